// What the Android page calls of android.content.res.

package android.content.res

import java.io.FileDescriptor
import java.io.InputStream

abstract class AssetFileDescriptor {
    abstract val fileDescriptor: FileDescriptor
    abstract val startOffset: Long
    abstract val declaredLength: Long
}

abstract class AssetManager {
    abstract fun open(fileName: String): InputStream
    abstract fun openFd(fileName: String): AssetFileDescriptor
}
