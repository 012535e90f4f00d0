"""The readable and writable formats, and their names in Pillow."""

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

# Our own limits decide, with messages people understand; Pillow's would only warn at half of it.
Image.MAX_IMAGE_PIXELS = None
# A truncated picture is refused, never filled up with grey.
ImageFile.LOAD_TRUNCATED_IMAGES = False
# A decode is one thread's work: each additional thread would need memory of its own.
AvifImagePlugin.DEFAULT_MAX_THREADS = 1

# Importing the modules registers their formats: otherwise the first WebP makes Pillow load all of
# its plugins, among them readers with a long history of vulnerabilities.
PILLOW_NAMES = {
    JPEG.name: JpegImagePlugin.JpegImageFile.format,
    PNG.name: PngImagePlugin.PngImageFile.format,
    WEBP.name: WebPImagePlugin.WebPImageFile.format,
    GIF.name: GifImagePlugin.GifImageFile.format,
    AVIF.name: AvifImagePlugin.AvifImageFile.format,
}
try:
    import pillow_heif
except ImportError:  # the only optional decoder: without it HEIC is refused with a message
    pass
else:
    pillow_heif.register_heif_opener(decode_threads=1, thumbnails=False)
    PILLOW_NAMES[HEIC.name] = pillow_heif.HeifImageFile.format
