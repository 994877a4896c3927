"""
What sits behind the reader: simulated cards, and the TEST infrastructure that certifies them.

A card is bytes in, bytes out (:meth:`card_sim.card.SoftCard.transmit`, ISO 7816-4). It knows nothing about sheets or
money. Nothing here imitates the real CPS or Vitale cards, whose contents are not public: see ``schemas/cards.toml``.
"""
