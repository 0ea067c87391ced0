"""How do other programs hear what happens to mailings and messages?

What is told is written in the transaction in which it happens (`announcing`, `settlements`), so that no crash
loses it; a job reads behind and posts it (`delivering`). People choose what is told where (`endpoints`), and see
what became of it (`deliveries`).
"""
