"""What `deploy/` says fits together, and the image's steps make an app that answers."""

from __future__ import annotations

import os
import re
import shlex
import shutil
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from benchmarks.running_app import answers, free_port
from benchmarks.running_replicas import installed_haproxy

ROOT = Path(__file__).parents[1]
DEPLOY = ROOT / "deploy"
DOCKERFILE = (DEPLOY / "Dockerfile").read_text(encoding="utf-8").replace("\\\n", " ")
PROXY = (DEPLOY / "haproxy.cfg").read_text(encoding="utf-8")


def steps() -> Iterator[tuple[str, str]]:
    """Yield the Dockerfile's instructions."""
    for line in DOCKERFILE.splitlines():
        if line.strip() and not line.startswith("#"):
            instruction, _, rest = line.strip().partition(" ")
            yield instruction, rest


def copies() -> Iterator[tuple[list[str], str]]:
    for instruction, rest in steps():
        if instruction == "COPY":
            *sources, target = shlex.split(rest)
            yield sources, target


def objects() -> dict[tuple[str, str], Any]:
    """Return the cluster's objects by kind and name."""
    text = (DEPLOY / "kubernetes.yaml").read_text(encoding="utf-8")
    return {(one["kind"], one["metadata"]["name"]): one for one in yaml.safe_load_all(text)}


def test_the_image_has_what_the_app_runs_on_and_nothing_more() -> None:
    copied = {source for sources, _ in copies() for source in sources}
    needed = {"app.py", ".streamlit", "assets", "maml_core", "pages", "requirements.txt"}
    assert copied == needed | {"LICENSE", "deploy/install.sh", "deploy/start.sh"}
    assert all((ROOT / source).exists() for source in copied)
    let_through = (DEPLOY / "Dockerfile.dockerignore").read_text(encoding="utf-8").splitlines()
    assert let_through[0] == "**"
    assert {line[1:] for line in let_through if line[0] == "!"} == needed | {
        "LICENSE",
        "deploy/*.sh",
    }


def test_the_image_runs_without_root_and_says_whether_it_is_well() -> None:
    names = [name for name, _ in steps()]
    assert names.index("USER") < names.index("CMD")
    assert ("USER", "app") in steps()
    (check,) = (rest for name, rest in steps() if name == "HEALTHCHECK")
    assert "/_stcore/health" in check
    assert ("RUN", "deploy/install.sh /opt") in steps()
    assert ("CMD", '["deploy/start.sh"]') in steps()


def test_port_and_names_are_the_same_everywhere() -> None:
    assert ("EXPOSE", "8501") in steps()
    assert "${APP-app:8501}" in PROXY
    compose = yaml.safe_load((DEPLOY / "compose.yaml").read_text(encoding="utf-8"))
    app, proxy = compose["services"]["app"], compose["services"]["proxy"]
    assert (DEPLOY / app["build"]["context"] / app["build"]["dockerfile"]).resolve() == (
        DEPLOY / "Dockerfile"
    )
    assert proxy["ports"] == ["${PORT:-80}:8080"]
    assert "${BIND-:8080}" in PROXY
    assert app["volumes"] == ["data:/data"]
    assert "MAML_DATA_DIR=/data" in DOCKERFILE
    assert proxy["image"] == "haproxy:2.6"
    slots = re.search(r"server-template replica 1-(\d+) ", PROXY)
    assert slots
    assert int(slots[1]) >= app["deploy"]["replicas"]


def test_the_cluster_runs_the_same() -> None:
    every = objects()
    app = every["Deployment", "app"]["spec"]["template"]
    proxy = every["Deployment", "proxy"]["spec"]["template"]
    for name, template in (("app", app), ("proxy", proxy)):
        assert every["Service", name]["spec"]["selector"] == template["metadata"]["labels"]
        assert every["Deployment", name]["spec"]["selector"]["matchLabels"] == {"app": name}
        assert template["spec"]["securityContext"]["runAsNonRoot"] is True
    (container,) = app["spec"]["containers"]
    assert container["ports"] == [{"containerPort": 8501}]
    probes = [container[f"{kind}Probe"] for kind in ("startup", "readiness", "liveness")]
    assert {probe["httpGet"]["path"] for probe in probes} == {"/_stcore/health"}
    assert {"name": "data", "mountPath": "/data"} in container["volumeMounts"]
    assert every["PersistentVolumeClaim", "data"]["spec"]["accessModes"] == ["ReadWriteMany"]
    assert every["Service", "app"]["spec"]["clusterIP"] == "None", "the proxy asks for each"
    (container,) = proxy["spec"]["containers"]
    assert container["image"] == "haproxy:2.6"
    customised = yaml.safe_load((DEPLOY / "kustomization.yaml").read_text(encoding="utf-8"))
    (config,) = customised["configMapGenerator"]
    assert config == {"name": "haproxy", "files": ["haproxy.cfg"]}
    assert proxy["spec"]["volumes"] == [{"name": "haproxy", "configMap": {"name": "haproxy"}}]


def test_one_line_turns_encryption_on(tmp_path: Path) -> None:
    haproxy, openssl = installed_haproxy(), shutil.which("openssl")
    if not (haproxy and openssl):
        pytest.skip("there is no HAProxy or no openssl on this machine")
    pem = tmp_path / "site.pem"
    request = shlex.split("req -x509 -newkey rsa:2048 -nodes -days 1 -subj /CN=localhost")
    files = ["-keyout", tmp_path / "key", "-out", tmp_path / "certificate"]
    subprocess.run([openssl, *request, *files], check=True, capture_output=True)
    pem.write_bytes((tmp_path / "certificate").read_bytes() + (tmp_path / "key").read_bytes())
    (line,) = re.findall(r"^    # (bind .* ssl .*)$", PROXY, re.MULTILINE)
    encrypted = PROXY.replace(f"# {line}", line).replace("/etc/haproxy/site.pem", str(pem))
    (tmp_path / "haproxy.cfg").write_text(encrypted, encoding="utf-8")
    check = [haproxy, "-c", "-f", tmp_path / "haproxy.cfg"]
    checked = subprocess.run(check, capture_output=True, text=True)
    assert checked.returncode == 0, checked.stderr
    assert "warning" not in checked.stderr.lower()


@pytest.mark.slow
def test_the_steps_of_the_image_make_an_app_that_answers(tmp_path: Path) -> None:
    """Not in a container: the same files in a fresh folder, the same scripts."""
    project, installed = tmp_path / "app", tmp_path / "opt"
    for sources, target in copies():
        for source in sources:
            goal = (
                project / target / Path(source).name if target.endswith("/") else project / target
            )
            if target == ".":
                goal = project / source
            goal.parent.mkdir(parents=True, exist_ok=True)
            copy = shutil.copytree if (ROOT / source).is_dir() else shutil.copy
            copy(ROOT / source, goal)
    environment = {
        **{name: os.environ[name] for name in ("HOME", "LANG") if name in os.environ},
        **{name: text for name, text in os.environ.items() if name.startswith("PIP_")},
        "PATH": f"{Path(sys.executable).resolve().parent}:/usr/bin:/bin",
        "MAML_DATA_DIR": str(tmp_path / "data"),
    }
    subprocess.run([project / "deploy/install.sh", installed], env=environment, check=True)
    environment["PATH"] = f"{installed}/venv/bin:/usr/bin:/bin"
    port = free_port()
    start = [project / "deploy/start.sh", "--server.port", str(port)]
    with subprocess.Popen(start, env=environment) as app:
        try:
            assert answers(f"http://localhost:{port}/_stcore/health", app)
            with urllib.request.urlopen(f"http://localhost:{port}/") as page:
                assert b"<title>" in page.read()
        finally:
            app.terminate()
    assert list((tmp_path / "data").glob("glyphs*")), "the first visitor would wait for them"
    say = "import maml_core as m; print(m.load('glyphs').name)"
    told = subprocess.run(
        ["python", "-c", say],
        cwd=project,
        env=environment,
        check=True,
        capture_output=True,
        text=True,
    )
    assert told.stdout.strip() == "glyphs"
    assert not list((project / "maml_core").rglob("test_*"))
