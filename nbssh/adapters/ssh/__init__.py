"""The system's ssh: asked, logged in with, forwarded through."""
