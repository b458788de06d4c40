"""python rest_inference.py http://127.0.0.1:8787 vla_live_… image.jpg   (one inference; prints its log_id and first action)"""
import base64
import json
import sys
import urllib.error
import urllib.request
import uuid

url, key, path = sys.argv[1:4]
with open(path, "rb") as file:
    image = base64.b64encode(file.read()).decode()
body = {
    "image": f"data:image/jpeg;base64,{image}",  # JPEG, PNG or WebP, 64 to 2048 px a side
    "instruction": "pick up the red cube",
    "robot_config": {"type": "franka_panda"},
    "state": [0.3, 0, 0.3, 0, 0, 0, 1],  # as measured: x y z roll pitch yaw gripper
    "request_id": str(uuid.uuid4()),  # sent again after a lost answer, it is not inferred twice
}
request = urllib.request.Request(f"{url}/v1/inference", json.dumps(body).encode())
request.add_header("Content-Type", "application/json")
request.add_header("Authorization", f"Bearer {key}")
try:
    with urllib.request.urlopen(request, timeout=15) as response:
        answer = json.load(response)
except urllib.error.HTTPError as error:  # 422: `field` and `reason` say what to mend; 429, 503: `Retry-After` says when
    sys.exit(f"{error.code}: {error.read().decode()}")
print(answer["log_id"], answer["action"]["values"])
