"""How well does recall find the evidence, in long conversations with questions about them?"""
