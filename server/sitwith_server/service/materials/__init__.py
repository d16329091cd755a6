"""The files of a room's materials, and the tickets that bring and fetch them."""
