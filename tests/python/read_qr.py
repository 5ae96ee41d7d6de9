"""Reads QR codes: paths of pictures on stdin, PNG or SVG; what each says on stdout, a line each, as JSON with its size
and its level of error correction."""

import io
import json
import sys

import resvg_py
import zxingcpp
from PIL import Image

for path in sys.stdin.read().split():
    with open(path, "rb") as file:
        picture = file.read()
    if path.endswith(".svg"):
        picture = bytes(resvg_py.svg_to_bytes(svg_string=picture.decode()))
    image = Image.open(io.BytesIO(picture))
    # Some rows of some QR codes look like bars of another kind.
    found = zxingcpp.read_barcodes(image.convert("L"), formats=zxingcpp.BarcodeFormat.QRCode)
    one = found[0] if len(found) == 1 else None
    print(json.dumps({"text": one and one.text, "size": image.size, "level": one and one.ec_level}), flush=True)
