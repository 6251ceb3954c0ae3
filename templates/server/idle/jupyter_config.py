# Every Jupyter reads this file before it starts anything, where the profile has `after_idle`. When idleness ends it,
# and only then, `after` is started, which waits for the end and runs that line. Otherwise nobody could tell: whoever
# shuts Jupyter down in the browser ends it with the same status.
import os
import subprocess
import sys

PROGRAM = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
NAME = os.path.join(os.path.dirname(os.environ["JUPYTER_RUNTIME_DIR"]), "after_idle")


def start_after():
    try:
        with open(NAME) as file:
            name = file.read().strip()
        command = ["/bin/sh", os.path.join(PROGRAM, "after"), name]
        subprocess.Popen(command, stdin=subprocess.DEVNULL, start_new_session=True)
    except (OSError, ValueError) as error:
        sys.stderr.write("nbssh: after_idle cannot be run: %s\n" % error)


def watch(application):
    ends = application.shutdown_no_activity

    def shutdown_no_activity(self):
        stop = self.stop

        def stop_idle(*words, **named):
            start_after()
            return stop(*words, **named)

        self.stop = stop_idle
        try:
            return ends(self)
        finally:
            del self.stop

    if not hasattr(ends, "nbssh"):  # more than one part of Jupyter reads this file
        shutdown_no_activity.nbssh = True
        application.shutdown_no_activity = shutdown_no_activity


for module, application in (("jupyter_server.serverapp", "ServerApp"), ("notebook.notebookapp", "NotebookApp")):
    if hasattr(sys.modules.get(module), application):
        watch(getattr(sys.modules[module], application))
