"""A payment provider to practise on: it plays the third party in every environment but prod."""
