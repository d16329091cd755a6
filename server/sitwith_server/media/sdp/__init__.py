"""Offers and answers: the text of an SDP offer, our answer, and the result of the negotiation."""
