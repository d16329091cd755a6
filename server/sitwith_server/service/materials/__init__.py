"""The files of a room's materials, and the tickets to upload and download them."""
