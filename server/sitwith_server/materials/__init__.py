"""Makes uploaded pictures and PDFs safe to show (MT*).

No uploaded file is passed on. A picture is decoded and encoded again, a PDF is read and a new one
written. Each file has a child process of its own with limits on time and memory, in a sandbox.
Others get only the output of that process.
"""
