// What the Android page calls of android.graphics.

package android.graphics

abstract class Bitmap {
    enum class Config { ARGB_8888 }

    abstract fun copy(config: Config, isMutable: Boolean): Bitmap
    abstract fun getPixels(
        pixels: IntArray, offset: Int, stride: Int, x: Int, y: Int, width: Int, height: Int)

    companion object {
        fun createScaledBitmap(
            src: Bitmap, dstWidth: Int, dstHeight: Int, filter: Boolean): Bitmap = TODO()
    }
}

class Canvas(val bitmap: Bitmap) {
    fun drawColor(color: Int, mode: PorterDuff.Mode): Unit = TODO()
}

object Color {
    const val WHITE = -1
    fun red(color: Int): Int = TODO()
    fun green(color: Int): Int = TODO()
    fun blue(color: Int): Int = TODO()
}

object PorterDuff {
    enum class Mode { DST_OVER }
}
