"""Debian's Prometheus and Alertmanager on free loopback ports, and a receiver of their notifications."""

from __future__ import annotations

import json
import subprocess
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import requests
import yaml

from signal_backups_tests.servers.waiting import HOST, free_port, wait_for

DEPLOY = Path(__file__).parents[2] / "deploy"
START_TIMEOUT_S = 60
STOP_TIMEOUT_S = 20


class Receiver:
    """An HTTP server that keeps what Alertmanager posts to it, from ``with`` to the end of the block."""

    def __init__(self) -> None:
        self.posts: list[tuple[str, dict[str, Any]]] = []
        posts = self.posts

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                posts.append((self.path, json.loads(body)))
                self.send_response(200)
                self.end_headers()

            def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the base class calls it so
                pass

        self._server = ThreadingHTTPServer((HOST, 0), Handler)
        self.url = f"http://{HOST}:{self._server.server_port}"

    def __enter__(self) -> Receiver:
        threading.Thread(target=self._server.serve_forever, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()

    def alerts(self, name: str, status: str) -> list[tuple[str, dict[str, Any]]]:
        """The alerts of a name that came as ``firing`` or ``resolved``, with the path they were posted to."""
        return [
            (path, alert)
            for path, message in list(self.posts)
            for alert in message["alerts"]
            if alert["labels"]["alertname"] == name and alert["status"] == status
        ]


class Prometheus:
    """A running Prometheus."""

    def __init__(self, url: str) -> None:
        self.url = url

    def query(self, expression: str) -> list[dict[str, Any]]:
        """The present value of an expression."""
        answer = requests.get(f"{self.url}/api/v1/query", params={"query": expression}, timeout=10).json()
        assert answer["status"] == "success", (expression, answer)
        return list(answer["data"]["result"])

    def rules(self) -> list[dict[str, Any]]:
        """The rules with their health."""
        answer = requests.get(f"{self.url}/api/v1/rules", timeout=10).json()
        return [rule for group in answer["data"]["groups"] for rule in group["rules"]]


@contextmanager
def running_alertmanager(folder: Path, receiver: Receiver) -> Iterator[str]:
    """Alertmanager with the example's routes and short intervals; yields its address."""
    example = _example("alertmanager/alertmanager.yml")
    example["route"] |= {"group_wait": "0s", "group_interval": "1s"}
    for each in example["receivers"]:
        for hook in each["webhook_configs"]:
            hook["url"] = hook["url"].replace("http://127.0.0.1:9095", receiver.url)
    address = f"{HOST}:{free_port()}"
    command = [
        "prometheus-alertmanager",
        f"--config.file={_write(folder / 'alertmanager.yml', example)}",
        f"--storage.path={folder / 'alertmanager'}",
        f"--web.listen-address={address}",
        "--cluster.listen-address=",
    ]
    with _running(command, folder / "alertmanager.log", f"http://{address}/-/ready"):
        yield address


@contextmanager
def running_prometheus(folder: Path, exporter: str, alertmanager: str) -> Iterator[Prometheus]:
    """Prometheus with the example's rules, scraping an exporter every second."""
    example = _example("prometheus/prometheus.yml")
    example["global"] = {"scrape_interval": "1s", "evaluation_interval": "1s"}
    example["rule_files"] = [str(DEPLOY / "prometheus" / name) for name in example["rule_files"]]
    example["alerting"]["alertmanagers"][0]["static_configs"][0]["targets"] = [alertmanager]
    example["scrape_configs"][0]["static_configs"][0]["targets"] = [exporter]
    address = f"{HOST}:{free_port()}"
    command = [
        "prometheus",
        f"--config.file={_write(folder / 'prometheus.yml', example)}",
        f"--storage.tsdb.path={folder / 'prometheus'}",
        f"--web.listen-address={address}",
    ]
    with _running(command, folder / "prometheus.log", f"http://{address}/-/ready"):
        yield Prometheus(f"http://{address}")


@contextmanager
def _running(command: Sequence[str], log: Path, ready_url: str) -> Iterator[None]:
    with log.open("wb") as output, subprocess.Popen(command, cwd=log.parent, stdout=output, stderr=output) as process:
        try:
            wait_for(lambda: _is_ready(process, log, ready_url), START_TIMEOUT_S, f"{command[0]}, see {log}")
            yield
        finally:
            process.terminate()
            try:
                process.wait(STOP_TIMEOUT_S)
            except subprocess.TimeoutExpired:
                process.kill()


def _is_ready(process: subprocess.Popen[bytes], log: Path, url: str) -> bool:
    if process.poll() is not None:
        raise AssertionError(f"it ended:\n{log.read_text(encoding='utf-8', errors='replace')}")
    try:
        return requests.get(url, timeout=5).status_code == 200
    except requests.ConnectionError:
        return False


def _example(name: str) -> dict[str, Any]:
    example = yaml.safe_load((DEPLOY / name).read_text(encoding="utf-8"))
    assert isinstance(example, dict)
    return example


def _write(path: Path, document: dict[str, Any]) -> Path:
    path.write_text(yaml.safe_dump(document), encoding="utf-8")
    return path
