// What the Android page calls of LiteRT 2: the API of CompiledModel in Kotlin.

package com.google.ai.edge.litert

import android.content.res.AssetManager

enum class Accelerator { CPU }

abstract class Environment

abstract class TensorBuffer : AutoCloseable {
    abstract fun writeFloat(data: FloatArray)
    abstract fun writeInt8(data: ByteArray)
    abstract fun readFloat(): FloatArray
    abstract fun readInt8(): ByteArray
}

abstract class CompiledModel : AutoCloseable {
    class Options(vararg val accelerators: Accelerator)

    abstract fun createInputBuffer(inputName: String, signature: String? = null): TensorBuffer
    abstract fun createOutputBuffer(outputName: String, signature: String? = null): TensorBuffer
    abstract fun run(
        inputs: Map<String, TensorBuffer>,
        outputs: Map<String, TensorBuffer>,
        signature: String? = null,
    )

    companion object {
        fun create(
            assetManager: AssetManager,
            assetName: String,
            options: Options = Options(Accelerator.CPU),
            optionalEnv: Environment? = null,
        ): CompiledModel = TODO()
    }
}
