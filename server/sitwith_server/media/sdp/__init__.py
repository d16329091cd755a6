"""Offers and answers: the text of an SDP offer, our answer, and what the two have settled."""
