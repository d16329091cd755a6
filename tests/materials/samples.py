"""Files that are what they seem, and files that are not."""

from __future__ import annotations

import io
from collections.abc import Callable
from typing import Any

from PIL import Image
from pypdf import PdfWriter
from pypdf.generic import (
    ArrayObject,
    DictionaryObject,
    NameObject,
    StreamObject,
    TextStringObject,
)

SVG = b'<?xml version="1.0"?>\n<svg xmlns="http://www.w3.org/2000/svg"><script>x()</script></svg>'
HTML = b"\xef\xbb\xbf \n<!DOCTYPE html><html><script>x()</script></html>"
SECRET = "Whitby harbour"
"""Stands in what a file says of itself, and may be in nothing that is shown."""


def picture(form: str = "JPEG", size: tuple[int, int] = (60, 40), mode: str = "RGB") -> bytes:
    made = io.BytesIO()
    Image.new(mode, size, 90).save(made, form)
    return made.getvalue()


def located() -> bytes:
    """A photograph that lies on its side and knows where it was taken, and of what."""
    exif = Image.Exif()
    exif[0x010E] = SECRET
    exif[0x0112] = 6
    exif.get_ifd(0x8825)[1] = "N"
    made = io.BytesIO()
    Image.new("RGB", (60, 40)).save(made, "JPEG", exif=exif, comment=SECRET.encode())
    return made.getvalue()


def moving() -> bytes:
    frames = [Image.new("L", (8, 8), shade) for shade in (0, 99, 200)]
    made = io.BytesIO()
    frames[0].save(made, "GIF", save_all=True, append_images=frames[1:])
    return made.getvalue()


def vast() -> bytes:
    """900 million pixels in a hundred thousand bytes."""
    made = io.BytesIO()
    Image.new("1", (30_000, 30_000)).save(made, "PNG")
    return made.getvalue()


def paper(change: Callable[[PdfWriter], None] = lambda _: None, pages: int = 1) -> bytes:
    writer = PdfWriter()
    for _ in range(pages):
        writer.add_blank_page(200, 300)
    writer.add_metadata({"/Author": SECRET})
    change(writer)
    made = io.BytesIO()
    writer.write(made)
    return made.getvalue()


def entry(**fields: Any) -> DictionaryObject:
    return DictionaryObject({NameObject(f"/{name}"): value for name, value in fields.items()})


def action(does: str, **fields: Any) -> DictionaryObject:
    return entry(S=NameObject(f"/{does}"), **fields)


def text(words: str) -> TextStringObject:
    return TextStringObject(words)


def opens_with(what: Any) -> Callable[[PdfWriter], None]:
    def change(writer: PdfWriter) -> None:
        writer._root_object[NameObject("/OpenAction")] = what

    return change


def with_mark(subtype: str, **fields: Any) -> Callable[[PdfWriter], None]:
    """A mark on the first page."""

    def change(writer: PdfWriter) -> None:
        mark = entry(Type=NameObject("/Annot"), Subtype=NameObject(f"/{subtype}"), **fields)
        writer.pages[0][NameObject("/Annots")] = ArrayObject([writer._add_object(mark)])

    return change


def named_script(writer: PdfWriter) -> None:
    script = writer._add_object(action("JavaScript", JS=text("app.alert(1)")))
    names = entry(Names=ArrayObject([text("x"), script]))
    writer._root_object[NameObject("/Names")] = entry(JavaScript=writer._add_object(names))


def page_action(writer: PdfWriter) -> None:
    writer.pages[0][NameObject("/AA")] = entry(O=action("URI", URI=text("https://example.org")))


def xfa(writer: PdfWriter) -> None:
    writer._root_object[NameObject("/AcroForm")] = entry(XFA=ArrayObject())


def attachment(writer: PdfWriter) -> None:
    writer.add_attachment("x.exe", b"MZ")


def metadata(writer: PdfWriter) -> None:
    """What programs write of themselves and of whoever used them."""
    stream = StreamObject()
    stream.set_data(SECRET.encode())
    writer._root_object[NameObject("/Metadata")] = writer._add_object(stream)


LINK = action("URI", URI=text("https://example.org/help"))
BAD_PAPERS: dict[str, tuple[bytes, str]] = {
    "a script by name": (paper(named_script), "scripts"),
    "a script at opening": (paper(opens_with(action("JavaScript", JS=text("x")))), "scripts"),
    "a script in a link": (
        paper(with_mark("Link", A=action("JavaScript", JS=text("x")))),
        "scripts",
    ),
    "a program at opening": (paper(opens_with(action("Launch", F=text("cmd.exe")))), "actions"),
    "a program in a link": (paper(with_mark("Link", A=action("Launch", F=text("sh")))), "actions"),
    "a form that sends": (paper(with_mark("Widget", A=action("SubmitForm"))), "actions"),
    "a web page at opening": (paper(opens_with(LINK)), "actions"),
    "a deed of a page": (paper(page_action), "actions"),
    "a script as a link": (
        paper(with_mark("Link", A=action("URI", URI=text("javascript:x")))),
        "actions",
    ),
    "a deed after a deed": (
        paper(with_mark("Link", A=action("GoTo", Next=action("Launch", F=text("sh"))))),
        "actions",
    ),
    "an attachment": (paper(attachment), "attachments"),
    "an attachment on a page": (paper(with_mark("FileAttachment")), "attachments"),
    "film": (paper(with_mark("RichMedia")), "attachments"),
    "an XFA form": (paper(xfa), "forms"),
    "a password": (paper(lambda w: w.encrypt("x")), "encrypted"),
    "201 pages": (paper(pages=201), "too_many_pages"),
    "a picture": (picture(), "not_a_pdf"),
    "a paper behind something": (b"GIF89a" + paper(), "not_a_pdf"),
    "a web page": (HTML, "html"),
    "a drawing with scripts": (SVG, "svg"),
    "half a paper": (paper()[:60], "damaged"),
    "noise": (b"%PDF-1.7\n" + bytes(range(256)) * 40, "damaged"),
}
