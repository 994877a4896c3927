"""Everything that lasts or talks: journal, dispatch, transport, simulator, command line."""
