"""Which formats can be read and written here, and what Pillow calls them."""

from PIL import (
    AvifImagePlugin,
    GifImagePlugin,
    Image,
    ImageFile,
    JpegImagePlugin,
    PngImagePlugin,
    WebPImagePlugin,
)

from avenue.media.intake.sniffing import AVIF, GIF, HEIC, JPEG, PNG, WEBP

# Our own limits decide, with numbers people understand; Pillow's would be half a warning.
Image.MAX_IMAGE_PIXELS = None
# A picture that was cut off is refused, never filled up with grey.
ImageFile.LOAD_TRUNCATED_IMAGES = False
# A decode is one thread's work: each thread more would take memory of its own.
AvifImagePlugin.DEFAULT_MAX_THREADS = 1

# Naming the modules registers their formats: otherwise the first WebP makes Pillow load all of its
# plugins, among them readers with a long history of holes.
PILLOW_NAMES = {
    JPEG.name: JpegImagePlugin.JpegImageFile.format,
    PNG.name: PngImagePlugin.PngImageFile.format,
    WEBP.name: WebPImagePlugin.WebPImageFile.format,
    GIF.name: GifImagePlugin.GifImageFile.format,
    AVIF.name: AvifImagePlugin.AvifImageFile.format,
}
try:
    import pillow_heif
except ImportError:  # the one decoder that may be missing: HEIC is refused in words then
    pass
else:
    pillow_heif.register_heif_opener(decode_threads=1, thumbnails=False)
    PILLOW_NAMES[HEIC.name] = pillow_heif.HeifImageFile.format
