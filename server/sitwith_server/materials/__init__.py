"""What is shown to a circle from a file: looked into by its content, and made anew (MT*).

Nothing that somebody sent is ever handed on: pictures are decoded and encoded again, papers are
read and written again, each in a process of its own that may take so much time and memory and no
more. Only what comes out of there reaches others.
"""
