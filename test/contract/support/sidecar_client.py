"""A client of the door `sidecar` on `requests`, as the contract describes one.

Reads a JSON object from its argument: url, secretKey, and the connector's parameters cmd, wait, workdir, envs,
callback_url and timeout. Prints what a caller would see as JSON: [status, result], or {"raised": ..., "status": ...}.
"""

import hashlib
import hmac
import json
import sys
import time
import uuid

import requests


def sign(secret_key, method, path, body):
    nonce = uuid.uuid4().hex
    timestamp = str(int(time.time()))
    text = "\n".join([method, path, nonce, timestamp, body])
    digest = hmac.new(secret_key.encode("utf-8"), text.encode("utf-8"), hashlib.sha1)
    return {
        "X-Auth-Nonce": nonce,
        "X-Auth-Timestamp": timestamp,
        "X-Auth-Signature": digest.hexdigest().upper(),
    }


def shell(url, secretKey, cmd, wait=True, workdir=None, envs=None, callback_url=None, timeout=3):
    fields = {"command": cmd, "wait": wait}
    if workdir is not None:
        fields["workdir"] = workdir
    if envs is not None:
        fields["envs"] = envs
    if callback_url is not None:
        fields["callbackURL"] = callback_url
    body = json.dumps(fields, ensure_ascii=False)
    headers = {"Content-Type": "application/json", **sign(secretKey, "POST", "/shell", body)}
    response = requests.post(url + "/shell", data=body.encode("utf-8"), headers=headers, timeout=timeout)
    response.raise_for_status()
    return response.status_code, response.json()


try:
    told = shell(**json.loads(sys.argv[1]))
except requests.exceptions.RequestException as error:
    answer = error.response
    told = {"raised": type(error).__name__, "status": None if answer is None else answer.status_code}
print(json.dumps(told))
