"""Models at addresses: stores that speak S3 (moto, from PyPI), Azure's protocol (Azurite, from npm) and Google's (a small one, below),
and a web server that takes PUT, all started here.

The servers live in environments of their own, made by interop/setup.sh; Keras reads from disk what kerox stored.
"""
import base64
import contextlib
import email.utils
import hashlib
import hmac
import html
import http.server
import json
import os
import re
import socket
import subprocess
import sys
import tempfile
import threading
import time
import urllib.parse
import urllib.request

import numpy as np
sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
import workspace

HOME = os.environ.get("KEROX_INTEROP_HOME", os.path.expanduser("~/.cache/kerox-interop"))
S3_PYTHON = os.path.join(HOME, "s3", "bin", "python")


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


def twice(tool, address, env):
    """Stores, looks at and loads models at the address; the second time everything is replaced."""
    for _ in range(2):
        done = subprocess.run([tool, address], env=env, capture_output=True, text=True)
        assert done.returncode == 0, done.stdout + done.stderr
    print(done.stdout)


def nobody(tool, address, env):
    """Nobody answers any more: an error that names the address, soon."""
    start = time.time()
    done = subprocess.run([tool, address], env=env, capture_output=True, text=True, timeout=600)
    assert done.returncode != 0 and address in done.stderr, done.stderr
    print(f"no server: {done.stderr.strip()[:300]} ({time.time() - start:.0f} s)")


@contextlib.contextmanager
def moto():
    """A server that speaks S3, with a bucket `models`."""
    port = free_port()
    server = subprocess.Popen([S3_PYTHON, "-m", "moto.server", "-H", "127.0.0.1", "-p", str(port)],
                              stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        endpoint = f"http://127.0.0.1:{port}"
        wait_for(endpoint + "/moto-api/data.json")
        urllib.request.urlopen(urllib.request.Request(f"{endpoint}/models", method="PUT"))
        yield endpoint
    finally:
        server.terminate()
        server.wait()


def s3(tool, folder):
    with moto() as endpoint:
        env = dict(os.environ, AWS_ENDPOINT_URL=endpoint, AWS_ALLOW_HTTP="true", AWS_REGION="us-east-1",
                   AWS_ACCESS_KEY_ID="key", AWS_SECRET_ACCESS_KEY="secret")
        twice(tool, "s3://models/a folder/with more", env)
        # What lies there is what Keras opens.
        import keras

        path = os.path.join(folder, "m.keras")
        fetch = "import boto3, sys; boto3.client('s3', endpoint_url=sys.argv[1]).download_file(*sys.argv[2:])"
        subprocess.run([S3_PYTHON, "-c", fetch, endpoint, "models", "a folder/with more/m.keras", path],
                       env=dict(env, AWS_DEFAULT_REGION="us-east-1"), check=True)
        model = keras.models.load_model(path)
        assert model(np.zeros((1, 4), "float32")).shape == (1, 2)
    nobody(tool, "s3://models/m", dict(env, AWS_MAX_RETRIES="0"))


class Google(http.server.BaseHTTPRequestHandler):
    """One bucket, by Google's description of Cloud Storage's XML interface: objects, lists, uploads in parts, preconditions."""

    kept, parts = {}, {}
    protocol_version = "HTTP/1.1"

    def answer(self, code, body=b"", **headers):
        self.send_response(code)
        self.send_header("Content-Length", str(len(body)))
        self.send_header("ETag", '"1"')
        self.send_header("x-goog-generation", "1")
        self.send_header("Last-Modified", "Thu, 01 Jan 2026 00:00:00 GMT")
        for name, value in headers.items():
            self.send_header(name.replace("_", "-"), value)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def asked(self):
        place, _, query = self.path.partition("?")
        bucket, _, key = urllib.parse.unquote(place).strip("/").partition("/")
        assert bucket == "models", self.path
        return key, dict(urllib.parse.parse_qsl(query, keep_blank_values=True))

    def body(self):
        return self.rfile.read(int(self.headers.get("Content-Length") or 0))

    def do_PUT(self):
        (key, query), body = self.asked(), self.body()
        if "partNumber" in query:
            self.parts[query["uploadId"]][int(query["partNumber"])] = body
            return self.answer(200)
        if self.headers.get("x-goog-if-generation-match") == "0" and key in self.kept:
            return self.answer(412)
        self.kept[key] = body
        self.answer(200)

    def do_POST(self):
        (key, query), _ = self.asked(), self.body()
        if "uploads" in query:
            upload = str(len(self.parts))
            self.parts[upload] = {}
            return self.answer(200, f"<InitiateMultipartUploadResult><UploadId>{upload}</UploadId></InitiateMultipartUploadResult>".encode())
        parts = self.parts.pop(query["uploadId"])
        self.kept[key] = b"".join(parts[number] for number in sorted(parts))
        self.answer(200, b"<CompleteMultipartUploadResult><ETag>1</ETag></CompleteMultipartUploadResult>")

    def do_DELETE(self):
        key, _ = self.asked()
        self.answer(204 if self.kept.pop(key, None) is not None else 404)

    def do_GET(self):
        key, query = self.asked()
        if "list-type" in query:
            return self.answer(200, self.listed(query))
        body = self.kept.get(key)
        if body is None:
            return self.answer(404)
        bounds = re.fullmatch(r"bytes=(\d+)-(\d+)", self.headers.get("Range", ""))
        if not bounds:
            return self.answer(200, body)
        first, part = int(bounds[1]), body[int(bounds[1]):int(bounds[2]) + 1]
        self.answer(206, part, Content_Range=f"bytes {first}-{first + len(part) - 1}/{len(body)}")

    do_HEAD = do_GET

    def listed(self, query):
        prefix, delimiter = query.get("prefix", ""), query.get("delimiter")
        lines, folders = [], set()
        for key in sorted(key for key in self.kept if key.startswith(prefix)):
            rest = key[len(prefix):]
            if delimiter and delimiter in rest:
                folders.add(prefix + rest.partition(delimiter)[0] + delimiter)
                continue
            lines.append(f"<Contents><Key>{html.escape(key)}</Key><Size>{len(self.kept[key])}</Size><ETag>1</ETag>"
                         "<LastModified>2026-01-01T00:00:00.000Z</LastModified></Contents>")
        lines += [f"<CommonPrefixes><Prefix>{html.escape(folder)}</Prefix></CommonPrefixes>" for folder in sorted(folders)]
        return f"<ListBucketResult>{''.join(lines)}</ListBucketResult>".encode()

    def log_message(self, *_):
        pass


def gs(tool):
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Google)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    nameless = {"gcs_base_url": f"http://127.0.0.1:{server.server_port}", "disable_oauth": True,
                "client_email": "", "private_key": "", "private_key_id": ""}
    twice(tool, "gs://models/a folder/with more", dict(os.environ, GOOGLE_SERVICE_ACCOUNT_KEY=json.dumps(nameless), ALLOW_HTTP="true"))
    server.shutdown()
    assert any(key.endswith("m.keras") for key in Google.kept), list(Google.kept)


def az(tool):
    """Azurite, Microsoft's own stand-in for its store."""
    port = free_port()
    server = subprocess.Popen([os.path.join(HOME, "azure", "node_modules", ".bin", "azurite-blob"), "--blobPort", str(port),
                               "--inMemoryPersistence", "--silent", "--skipApiVersionCheck", "--disableTelemetry"])
    try:
        endpoint = f"http://127.0.0.1:{port}"
        env = dict(os.environ, AZURE_STORAGE_USE_EMULATOR="true", AZURITE_BLOB_STORAGE_URL=endpoint)
        for _ in range(300):
            with socket.socket() as s:
                if s.connect_ex(("127.0.0.1", port)) == 0:
                    break
            time.sleep(0.1)
        create_container(f"{endpoint}/devstoreaccount1/models")
        twice(tool, "az://models/a folder/with more", env)
    finally:
        server.terminate()
        server.wait()


def create_container(url):
    """Asks Azurite for a container, signed with the key that everybody has (Microsoft's "Authorize with Shared Key")."""
    key = "Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw=="
    headers = {"x-ms-date": email.utils.formatdate(usegmt=True), "x-ms-version": "2021-08-06"}
    account, container = url.split("/")[-2:]
    lines = ["PUT", *[""] * 11, *(f"{name}:{value}" for name, value in sorted(headers.items())),
             f"/{account}/{account}/{container}", "restype:container"]
    digest = hmac.new(base64.b64decode(key), "\n".join(lines).encode(), hashlib.sha256).digest()
    headers["Authorization"] = f"SharedKey {account}:{base64.b64encode(digest).decode()}"
    request = urllib.request.Request(url + "?restype=container", method="PUT", headers=headers, data=b"")
    request.add_header("Content-Type", "")
    urllib.request.urlopen(request)


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
        gs(tool)
        az(tool)
        web(tool)
        files(tool, folder)


if __name__ == "__main__":
    sys.exit(main())
