"""Images of what happens inside a network: the attention maps of P-MSDSNet.

Put here figures and clips that explain a network.
Figures of results belong to the room that computes the results.
"""
