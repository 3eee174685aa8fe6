"""Models at addresses: an S3-compatible server (moto, from PyPI) and a web server that takes PUT, both started here.

The server runs in an environment of its own, made by interop/setup.sh; Keras reads from disk what kerox stored.
"""
import http.server
import os
import socket
import subprocess
import sys
import tempfile
import threading
import time
import urllib.request

import numpy as np
sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
import workspace

HOME = os.environ.get("KEROX_INTEROP_HOME", os.path.expanduser("~/.cache/kerox-interop"))


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


def wait_for(url):
    for _ in range(300):
        try:
            return urllib.request.urlopen(url, timeout=1).read()
        except OSError:
            time.sleep(0.1)
    raise AssertionError(f"{url} does not answer")


class Put(http.server.BaseHTTPRequestHandler):
    """Keeps what is PUT and gives it back."""

    kept = {}
    protocol_version = "HTTP/1.1"

    def answer(self, code, body=b"", head=False):
        self.send_response(code)
        self.send_header("Content-Length", str(len(body)))
        self.send_header("ETag", '"1"')
        self.send_header("Last-Modified", "Thu, 01 Jan 2026 00:00:00 GMT")
        self.end_headers()
        if not head:
            self.wfile.write(body)

    def do_PUT(self):
        self.kept[self.path] = self.rfile.read(int(self.headers["Content-Length"]))
        self.answer(201)

    def do_GET(self):
        body = self.kept.get(self.path)
        asked = self.headers.get("Range", "")
        if body is None or not asked:
            return self.answer(404) if body is None else self.answer(200, body)
        first, last = asked.removeprefix("bytes=").split("-")
        part = body[int(first):int(last) + 1]
        self.send_response(206)
        self.send_header("Content-Range", f"bytes {first}-{int(first) + len(part) - 1}/{len(body)}")
        self.send_header("Content-Length", str(len(part)))
        self.send_header("ETag", '"1"')
        self.send_header("Last-Modified", "Thu, 01 Jan 2026 00:00:00 GMT")
        self.end_headers()
        self.wfile.write(part)

    def do_HEAD(self):
        body = self.kept.get(self.path)
        self.answer(404, head=True) if body is None else self.answer(200, body, head=True)

    def log_message(self, *_):
        pass


def s3(tool, folder):
    port = free_port()
    python = os.path.join(HOME, "s3", "bin", "python")
    server = subprocess.Popen([python, "-m", "moto.server", "-H", "127.0.0.1", "-p", str(port)],
                              stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        endpoint = f"http://127.0.0.1:{port}"
        wait_for(endpoint + "/moto-api/data.json")
        urllib.request.urlopen(urllib.request.Request(f"{endpoint}/models", method="PUT"))
        env = dict(os.environ, AWS_ENDPOINT_URL=endpoint, AWS_ALLOW_HTTP="true", AWS_REGION="us-east-1",
                   AWS_ACCESS_KEY_ID="key", AWS_SECRET_ACCESS_KEY="secret")
        for _ in range(2):  # the second time everything is replaced
            done = subprocess.run([tool, "s3://models/a folder/with more"], env=env, capture_output=True, text=True)
            assert done.returncode == 0, done.stdout + done.stderr
        print(done.stdout)
        # What lies there is what Keras opens.
        import keras

        path = os.path.join(folder, "m.keras")
        fetch = "import boto3, sys; boto3.client('s3', endpoint_url=sys.argv[1]).download_file(*sys.argv[2:])"
        subprocess.run([python, "-c", fetch, endpoint, "models", "a folder/with more/m.keras", path],
                       env=dict(env, AWS_DEFAULT_REGION="us-east-1"), check=True)
        model = keras.models.load_model(path)
        assert model(np.zeros((1, 4), "float32")).shape == (1, 2)
    finally:
        server.terminate()
        server.wait()
    # Nobody answers any more: an error, soon.
    env["AWS_MAX_RETRIES"] = "0"
    start = time.time()
    done = subprocess.run([tool, "s3://models/m"], env=env, capture_output=True, text=True, timeout=600)
    assert done.returncode != 0 and "s3://models/m" in done.stderr, done.stderr
    print(f"no server: {done.stderr.strip()[:300]} ({time.time() - start:.0f} s)")


def web(tool):
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Put)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    done = subprocess.run([tool, f"http://127.0.0.1:{server.server_port}/models"],
                          capture_output=True, text=True)
    server.shutdown()
    assert done.returncode == 0, done.stdout + done.stderr
    print(done.stdout)


def files(tool, folder):
    done = subprocess.run([tool, f"file://{folder}/deep/er"], capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    print(done.stdout)


def main():
    tool = workspace.example("remote_models", "--features", "kerox/cloud")
    with tempfile.TemporaryDirectory() as folder:
        s3(tool, folder)
        web(tool)
        files(tool, folder)


if __name__ == "__main__":
    sys.exit(main())
