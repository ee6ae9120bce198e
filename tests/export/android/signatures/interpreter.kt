// What the Android page calls of TFLite's Interpreter, which is written in Java.

package org.tensorflow.lite

import java.nio.ByteBuffer

class Interpreter(val byteBuffer: ByteBuffer) {
    fun runSignature(inputs: Map<String, Any>, outputs: Map<String, Any>): Unit =
        TODO()
}
