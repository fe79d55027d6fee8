"""Who may call what: asked of the rendered trees, compared with what the specs grant, over time and with a cluster.

A door is a model's operation in an environment; an identity is whoever may stand before it. `doors` says which
requests knock at which door, `identities` who knocks, `matrix` who gets in, `grants` who should.
"""
