"""What a series stores about its meetings, where the operator has turned series on.

Rules of this package:

* A person is a handle: a keyed hash, bound to the series, of a secret that only the person has. No
  name, no resume value and no message is stored.
* A meeting is stored as a summary of all that it has added so far. Writing a summary twice, late,
  or from several workers gives the same result.
* Erased data stays erased: a summary from before an erasure is refused.
* Only `DatabaseThread` and `MeetingWriter` run in the event loop. They never block on the database.
"""
