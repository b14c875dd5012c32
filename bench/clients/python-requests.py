"""Python requests, asked as player.ts is: a JSON object per line on stdin, one per line on stdout."""
import json
import resource
import sys
import time

import requests

way, url, ca = sys.argv[1:]
session = requests.Session()
session.trust_env = False
ways = {
    'keepAlive': lambda: session.get(url, verify=ca).json(),
    'perCall': lambda: requests.get(url, verify=ca).json(),
    'newConnections': lambda: session.get(url, verify=ca, headers={'connection': 'close'}).json(),
}
ask = ways[way]

for line in sys.stdin:
    count = json.loads(line)['requests']
    cpu, wall = time.process_time(), time.perf_counter()
    for _ in range(count):
        ask()
    cpu, wall = time.process_time() - cpu, time.perf_counter() - wall
    rss = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(json.dumps({'cpu': cpu / count * 1e6, 'wall': wall / count * 1e6, 'rss': rss}), flush=True)
