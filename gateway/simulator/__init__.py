"""The other side of the wire: concentrator (OCT), caisses and the faults that one asks of them."""
