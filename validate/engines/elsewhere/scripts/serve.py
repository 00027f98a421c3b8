"""Answers requests for one model; the scripts beside it import it, where there are numpy and one runtime."""

import json
import sys
import time


def serve(describe, run):
    """Say what ``describe`` gives, then run each feed that a line of standard input names.

    ``run`` takes input name -> array and names of outputs, and gives output name -> array.
    """
    import numpy as np

    answers, sys.stdout = sys.stdout, sys.stderr  # what libraries print must not get between the answers

    def say(message):
        answers.write(json.dumps(message) + "\n")
        answers.flush()

    try:
        say(describe())
    except Exception as error:
        say({"error": f"{type(error).__name__}: {error}"})
        return
    for count, line in enumerate(sys.stdin):
        request = json.loads(line)
        try:
            feed = {name: np.load(file, allow_pickle=False) for name, file in request["feed"].items()}
            start = time.perf_counter()
            outputs = run(feed, request["outputs"])
            seconds = time.perf_counter() - start
            files = {}
            for number, (name, array) in enumerate(outputs.items()):
                array = np.asarray(array)
                files[name] = f"{request['folder']}/out{count}-{number}.npy"
                np.save(files[name], array.astype(str) if array.dtype.kind == "O" else array, allow_pickle=False)
            say({"outputs": files, "seconds": seconds})
        except Exception as error:
            say({"error": f"{type(error).__name__}: {error}"})
