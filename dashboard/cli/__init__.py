"""How is Vestnik run, looked after and asked from a command line?"""
