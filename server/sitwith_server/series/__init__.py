"""What the meetings of a series keep of one another, where the operator has turned it on.

Laws of this package:

* a person is a handle: a keyed hash that is bound to the series, of a secret that only the person
  has. No name, no seat's secret and no word is ever here;
* an evening is written as it stands by now, whole: writing it twice, late, or from several workers
  comes to the same;
* what was erased stays erased: an evening as it stood before an erasure is not taken any more;
* nothing here runs in the event loop but `Lane` and `Keeper`, which never wait for a database.
"""
