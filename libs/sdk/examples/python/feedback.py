"""python feedback.py http://127.0.0.1:8787 vla_live_… LOG_ID RATING [NOTES]   (how well an inference served, 1 to 5)"""
import json
import sys
import time
import urllib.error
import urllib.request
import uuid

url, key, log_id, rating = sys.argv[1:5]
report = {"log_id": int(log_id), "rating": int(rating), "notes": " ".join(sys.argv[5:]) or None}
once = str(uuid.uuid4())  # the same key with every attempt: the report is stored once, whatever is lost on the way


def call(path, body=None):
    request = urllib.request.Request(f"{url}{path}", None if body is None else json.dumps(body).encode())
    request.add_header("Content-Type", "application/json")
    request.add_header("Authorization", f"Bearer {key}")
    request.add_header("Idempotency-Key", once)
    with urllib.request.urlopen(request, timeout=15) as response:
        return json.load(response)


for attempt in range(5):
    try:
        print(call("/v1/feedback/success", report)["message"])
        print(call("/v1/feedback/stats")["feedback_by_type"])
        break
    except urllib.error.HTTPError as error:
        if error.code != 503:
            sys.exit(f"{error.code}: {error.read().decode()}")
        time.sleep(float(error.headers.get("Retry-After", 1)))
    except urllib.error.URLError:
        time.sleep(1)
else:
    sys.exit("no answer; send it again later")
