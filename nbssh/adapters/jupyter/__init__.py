"""What we do with Jupyter itself: hash its password, ask its page."""
