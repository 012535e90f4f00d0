"""What the files of a deployment say is true: of the program, and of one another."""

import json
import re
import shlex
import subprocess
import sys
from importlib.resources import files
from ipaddress import ip_address, ip_network
from pathlib import Path
from urllib.parse import urlsplit

import jsonschema
import kubernetes_validate
import pytest
import yaml

from avenue.cli import commands
from avenue.config import Settings
from deploy import initiate_set
from tests.deploy.reading import (
    DEPLOY,
    KUBERNETES,
    ROOT,
    compose,
    environment_of,
    manifest,
    manifests,
    new_env,
    reaches_builder,
    stages,
)
from tests.http.contract import unconnected_app
from tests.waiting import DEADLINE_SECONDS

BUILD, FINAL = stages()
SETTINGS = {each.metadata["env"] for each in Settings.__dataclass_fields__.values()}
REQUIRED = {"MONGODB_URI", "SECRET_KEY", "PUBLIC_BASE_URL"}
TMP_DIR = environment_of(FINAL)["AVENUE_TMP_DIR"]
USER = next(each.text for each in FINAL if each.name == "USER")
PORT = int(next(each.text for each in FINAL if each.name == "EXPOSE"))
RENDER = yaml.safe_load((ROOT / "render.yaml").read_text())
NGINX = (DEPLOY / "nginx.conf").read_text()
GRACEFUL_SECONDS = int(
    re.search(r"^graceful_timeout = (\d+)$", (ROOT / "gunicorn.conf.py").read_text(), re.MULTILINE)[
        1
    ]
)
OURS = [name for name, each in compose()["services"].items() if each["image"] == "avenue"]
PODS = [each for each in manifests() if each["kind"] in {"Deployment", "Job"}]


def is_a_command(words):
    """Whether `words` are a command of ours or start the server as the Procfile does."""
    if words[:3] == ["python", "-m", "avenue"]:
        return words[3] in commands.commands
    return words == shlex.split(procfile()["web"])


def procfile():
    lines = (ROOT / "Procfile").read_text().splitlines()
    return dict(line.split(": ", 1) for line in lines)


def is_a_route(path):
    return path in {rule.rule for rule in unconnected_app().url_map.iter_rules()}


# The image


def test_hadolint_finds_nothing_in_the_dockerfile():
    hadolint = Path(sys.executable).parent / "hadolint"
    ended = subprocess.run(
        [hadolint, ROOT / "Dockerfile"],
        capture_output=True,
        text=True,
        check=False,
        timeout=DEADLINE_SECONDS,
    )
    assert (ended.returncode, ended.stdout) == (0, "")


def test_what_is_copied_is_there_and_is_all_that_reaches_the_builder():
    copied = [
        source
        for each in BUILD
        if each.name == "COPY"
        for source in each.words[:-1]
        if "from" not in each.flags
    ]
    assert all((ROOT / each).exists() and reaches_builder(each) for each in copied)
    exceptions = re.findall(r"^!(.+)$", (ROOT / ".dockerignore").read_text(), re.MULTILINE)
    assert sorted(copied) == sorted(exceptions)


@pytest.mark.parametrize(
    "path",
    [
        *(".env", ".git/config", "var/mongod.log", "tests/server.py", "requirements-dev.txt"),
        *("node_modules/fflate/esm/browser.js", "avenue/static/vendor/fflate.esm.js"),
        *("avenue/__pycache__/config.cpython-311.pyc", "avenue/media/intake/cleaning/old.pyc"),
    ],
)
def test_secrets_history_and_what_was_made_here_stay_out_of_the_image(path):
    assert not reaches_builder(path)
    assert reaches_builder("avenue/media/intake/cleaning/__init__.py")


def test_everything_installed_is_held_to_its_hash():
    installs = [
        command
        for stage in (BUILD, FINAL)
        for each in stage
        if each.name == "RUN"
        for command in each.text.split("&&")
        if "install" in command and "pip" in command and "uninstall" not in command
    ]
    assert len(installs) == 2
    assert all("--require-hashes --only-binary :all: -r " in each for each in installs)
    assert any("npm ci " in each.text for each in BUILD)
    assert not re.search("pip|npm|node|apt", " ".join(each.text for each in FINAL[:-2]))


def test_the_pages_get_the_same_files_as_from_make_assets():
    def copies(text):
        found = re.findall(r"\bcp (node_modules/\S+) \S*(static/vendor/\S*)", text)
        assert found
        return found

    makefile = (ROOT / "Makefile").read_text().replace("$$", "$")
    assert copies(makefile) == copies(" ".join(each.text for each in BUILD))


def test_the_image_has_the_python_the_pins_are_compiled_for():
    said = re.search(r"--python-version (\S+)", (ROOT / "Makefile").read_text())[1]
    assert f"ARG BASE=python:{said}-slim-bookworm" in (ROOT / "Dockerfile").read_text()
    assert all(each[0].words[0] == "${BASE}" for each in stages())


def test_the_image_runs_as_a_user_a_cluster_can_see_is_not_root():
    assert re.fullmatch(r"([1-9]\d*):\1", USER)
    assert any(f"--uid {USER.split(':')[0]} " in each.text for each in FINAL)


def test_the_image_starts_what_the_procfile_starts_and_asks_whether_it_is_alive():
    command = next(each.text for each in FINAL if each.name == "CMD")
    assert json.loads(command) == shlex.split(procfile()["web"])
    assert Settings.__dataclass_fields__["port"].default == PORT
    (check,) = [each.text for each in FINAL if each.name == "HEALTHCHECK"]
    assert "'/healthz'" in check
    assert is_a_route("/healthz")


# compose.yaml


def test_compose_yaml_is_what_the_specification_allows():
    schema = files("check_jsonschema") / "builtin_schemas/vendor/compose-spec.json"
    jsonschema.validate(compose(), json.loads(schema.read_text()))


def test_the_secrets_that_are_made_are_accepted_and_never_the_same():
    first, second = new_env(), new_env()
    environ = compose(first)["services"]["app1"]["environment"]
    Settings.from_env({name: str(value) for name, value in environ.items()})
    secrets = {name for name in first if name.endswith(("KEY", "PASSWORD"))}
    assert len(secrets) == 3
    assert len({each[name] for each in (first, second) for name in secrets}) == 6


def test_compose_gives_settings_that_there_are():
    for name in set(OURS) - {"mongo-initiate"}:
        given = set(compose()["services"][name]["environment"])
        assert given <= SETTINGS
        assert given >= REQUIRED
        assert compose()["services"][name]["environment"]["AVENUE_JOBS"] == "worker"


def test_compose_starts_commands_that_there_are():
    services = compose()["services"]
    started = {name: services[name].get("command") for name in OURS if name != "mongo-initiate"}
    assert started.pop("app1") == started.pop("app2") is None  # the image's own
    assert all(is_a_command(each) for each in started.values())
    assert started["worker"][3] == "worker"
    assert started["migrate"][3] == "migrate"


def test_compose_lets_nothing_of_ours_write_but_bodies():
    services = compose()["services"]
    for name in [*OURS, "nginx"]:
        service = services[name]
        assert service["read_only"] is True
        assert service["cap_drop"] == ["ALL"]
        assert service["security_opt"] == ["no-new-privileges:true"]
        assert not {"privileged", "user", "cap_add"} & set(service)
    for name in ("app1", "app2", "worker"):
        assert [each["target"] for each in services[name]["volumes"]] == [TMP_DIR]


def test_compose_waits_for_requests_that_run():
    services = compose()["services"]
    for name in ("app1", "app2", "worker", "nginx"):
        assert int(services[name]["stop_grace_period"].removesuffix("s")) > GRACEFUL_SECONDS


def test_compose_starts_one_after_the_other():
    services = compose()["services"]
    mongos = {name for name in services if re.fullmatch(r"mongo\d", name)}
    assert len(mongos) == 3
    completed = {"condition": "service_completed_successfully"}
    healthy = {"condition": "service_healthy"}
    for name in mongos:
        assert services[name]["depends_on"] == {"mongo-keyfile": completed}
    assert services["mongo-initiate"]["depends_on"] == dict.fromkeys(mongos, healthy)
    assert services["migrate"]["depends_on"] == {"mongo-initiate": completed}
    for name in ("app1", "app2", "worker"):
        assert services[name]["depends_on"] == {"migrate": completed}
    assert services["nginx"]["depends_on"] == dict.fromkeys(("app1", "app2"), healthy)


def test_the_members_the_set_and_the_address_of_the_database_are_the_same_everywhere():
    services = compose()["services"]
    mongos = [name for name in services if re.fullmatch(r"mongo\d", name)]
    initiate = services["mongo-initiate"]
    assert initiate["command"][2:] == [f"{name}:27017" for name in mongos]
    assert initiate["network_mode"] == f"service:{mongos[0]}"
    uri = urlsplit(services["app1"]["environment"]["MONGODB_URI"])
    assert uri.netloc.partition("@")[2] == ",".join(initiate["command"][2:])
    assert uri.path == "/avenue"
    assert f"replicaSet={initiate_set.SET_NAME}&" in uri.query
    assert {"role": "readWrite", "db": "avenue"} in initiate_set.AVENUE_ROLES
    key = "/keyfile/key"
    assert f"mv /keyfile/new {key}" in services["mongo-keyfile"]["command"][0]
    for name in mongos:
        words = services[name]["command"]
        assert words[words.index("--replSet") + 1] == initiate_set.SET_NAME
        assert words[words.index("--keyFile") + 1] == key
        assert services[name]["volumes"] == [f"{name}:/data/db", "keyfile:/keyfile:ro"]
        assert "ports" not in services[name]


def test_volumes_are_declared_and_mounted_files_are_there():
    loaded = compose()
    mounts = [
        each.split(":")
        for service in loaded["services"].values()
        for each in service.get("volumes", [])
        if isinstance(each, str)
    ]
    named = {mount[0] for mount in mounts if not mount[0].startswith(".")}
    assert named == set(loaded["volumes"])
    files = [mount for mount in mounts if mount[0].startswith(".")]
    assert all((ROOT / mount[0]).is_file() and mount[2] == "ro" for mount in files)


def test_nginx_finds_the_servers_and_writes_where_it_may():
    services = compose()["services"]
    (upstream,) = re.findall(r"upstream avenue \{(.*?)\}", NGINX, re.DOTALL)
    servers = re.findall(r"^\s*server (\S+):(\d+)", upstream, re.MULTILINE)
    assert servers == [("app1", str(PORT)), ("app2", str(PORT))]
    assert all(name in OURS for name, _ in servers)
    nginx = services["nginx"]
    writes = {mount.split(":")[1] for mount in nginx["volumes"] if not mount.endswith(":ro")}
    writes |= set(nginx["tmpfs"])
    said = re.findall(r"^\s*(?:proxy_cache_path|\w+_temp_path|pid) ([^\s;]+)", NGINX, re.MULTILINE)
    assert all(any(path.startswith(f"{each}/") for each in writes) for path in said)
    inside = nginx["ports"][0].split(":")[1]
    assert re.search(rf"^\s*listen {inside}\b", NGINX, re.MULTILINE)
    assert any(f":{inside}/healthz" in word for word in nginx["healthcheck"]["test"])
    assert urlsplit(new_env()["PUBLIC_BASE_URL"]).port == int(nginx["ports"][0].split(":")[0])


# render.yaml


def test_render_gets_settings_that_there_are_and_a_path_that_answers():
    (web,) = RENDER["services"]
    assert set(web) == {
        *("type", "name", "runtime", "plan", "numInstances", "healthCheckPath"),
        *("preDeployCommand", "maxShutdownDelaySeconds", "envVars"),
    }
    given = {each["key"] for each in web["envVars"]}
    assert given <= SETTINGS
    assert given >= REQUIRED
    assert all(len(set(each) & {"value", "sync", "generateValue"}) == 1 for each in web["envVars"])
    assert web["runtime"] == "docker"
    assert web["healthCheckPath"] == "/healthz"
    assert is_a_command(shlex.split(web["preDeployCommand"]))
    assert GRACEFUL_SECONDS < web["maxShutdownDelaySeconds"] <= 300


# Kubernetes


@pytest.mark.parametrize("path", KUBERNETES, ids=lambda path: path.stem)
def test_a_cluster_takes_the_manifests(path):
    for each in yaml.safe_load_all(path.read_text()):
        kubernetes_validate.validate(each, kubernetes_validate.latest_version(), strict=True)


def container_of(workload):
    (container,) = workload["spec"]["template"]["spec"]["containers"]
    return container


def test_pods_get_settings_that_there_are():
    given = set(manifest("ConfigMap", "avenue")["data"])
    assert given <= SETTINGS
    told = (ROOT / "docs/operations.md").read_text()
    secret = re.search(r"kubectl create secret generic avenue((?:.|\\\n)*?)\n\n", told)[1]
    by_hand = set(re.findall(r"--from-literal=(\w+)=", secret))
    assert by_hand <= SETTINGS
    assert given | by_hand >= REQUIRED
    for workload in PODS:
        assert container_of(workload)["envFrom"] == [
            {"configMapRef": {"name": "avenue"}},
            {"secretRef": {"name": "avenue"}},
        ]


def test_pods_run_one_image_and_commands_that_there_are():
    assert len({container_of(each)["image"] for each in PODS}) == 1
    started = {each["metadata"]["name"]: container_of(each).get("command") for each in PODS}
    assert started.pop("avenue-web") is None
    assert started == {
        "avenue-migrate": ["python", "-m", "avenue", "migrate"],
        "avenue-worker": ["python", "-m", "avenue", "worker"],
    }
    assert all(is_a_command(each) for each in started.values())


def test_pods_are_nobody_and_write_bodies_only():
    number = int(USER.split(":")[0])
    for workload in PODS:
        pod, container = workload["spec"]["template"]["spec"], container_of(workload)
        security = pod["securityContext"]
        assert security["runAsNonRoot"] is True
        assert {security[name] for name in ("runAsUser", "runAsGroup", "fsGroup")} == {number}
        assert pod["automountServiceAccountToken"] is False
        assert container["securityContext"] == {
            "readOnlyRootFilesystem": True,
            "allowPrivilegeEscalation": False,
            "capabilities": {"drop": ["ALL"]},
        }
        assert all(set(each) == {"name", "emptyDir"} for each in pod.get("volumes", []))
        if workload["kind"] == "Deployment":
            (volume,), (mount,) = pod["volumes"], container["volumeMounts"]
            assert (mount["name"], mount["mountPath"]) == (volume["name"], TMP_DIR)


def test_pods_are_reached_by_the_ingress_alone_and_reach_no_credentials_of_a_cloud():
    every, web = manifest("NetworkPolicy", "avenue"), manifest("NetworkPolicy", "avenue-web")
    for workload in PODS:
        labels = workload["spec"]["template"]["metadata"]["labels"]
        assert every["spec"]["podSelector"]["matchLabels"].items() <= labels.items()
    assert every["spec"]["policyTypes"] == ["Ingress", "Egress"]
    assert every["spec"]["ingress"] == []
    (rule,) = web["spec"]["ingress"]
    assert rule["ports"] == [{"protocol": "TCP", "port": "http"}]
    blocks = [to["ipBlock"] for each in every["spec"]["egress"] for to in each.get("to", ())]
    left_out = [ip_network(each) for block in blocks for each in block["except"]]
    for credentials in ("169.254.169.254", "fd00:ec2::254"):
        assert any(ip_address(credentials) in network for network in left_out)


def test_pods_are_asked_at_the_port_and_paths_they_answer_at():
    web = container_of(manifest("Deployment", "avenue-web"))
    assert web["ports"] == [{"name": "http", "containerPort": PORT}]
    probes = {name: web[f"{name}Probe"]["httpGet"] for name in ("startup", "readiness", "liveness")}
    assert {each["port"] for each in probes.values()} == {"http"}
    paths = {name: each["path"] for name, each in probes.items()}
    assert paths == {"startup": "/readyz", "readiness": "/healthz", "liveness": "/healthz"}
    assert all(is_a_route(path) for path in paths.values())
    (service_port,) = manifest("Service", "avenue")["spec"]["ports"]
    assert service_port["targetPort"] == "http"
    (rule,) = manifest("Ingress", "avenue")["spec"]["rules"]
    service = rule["http"]["paths"][0]["backend"]["service"]
    assert service == {"name": "avenue", "port": {"name": service_port["name"]}}


def test_pods_have_time_to_finish():
    pod = manifest("Deployment", "avenue-web")["spec"]["template"]["spec"]
    command = pod["containers"][0]["lifecycle"]["preStop"]["exec"]["command"]
    assert command[0] == "sleep"
    assert pod["terminationGracePeriodSeconds"] > int(command[1]) + GRACEFUL_SECONDS


def test_what_selects_pods_finds_them():
    web = manifest("Deployment", "avenue-web")["spec"]
    labels = web["template"]["metadata"]["labels"]
    assert web["selector"]["matchLabels"] == labels
    assert manifest("Service", "avenue")["spec"]["selector"] == labels
    budget = manifest("PodDisruptionBudget", "avenue-web")["spec"]
    assert budget["selector"]["matchLabels"] == labels
    worker = manifest("Deployment", "avenue-worker")["spec"]
    assert worker["selector"]["matchLabels"] == worker["template"]["metadata"]["labels"] != labels
    host = manifest("Ingress", "avenue")["spec"]["rules"][0]["host"]
    assert manifest("ConfigMap", "avenue")["data"]["PUBLIC_BASE_URL"] == f"https://{host}"


# What is written about it


def test_limits_of_memory_are_what_the_operations_page_computes():
    said = (ROOT / "docs/operations.md").read_text()
    formula = r"(\d+) \+ WEB_CONCURRENCY × \((\d+) \+ AVENUE_CACHE_MB\) \+ decoders × "
    base, each = map(int, re.search(formula, said).groups())
    default = {e.metadata["env"]: e.default for e in Settings.__dataclass_fields__.values()}

    def needed_mb(workers, cores):
        decoders = workers * max(1, cores // workers)
        cache, decode = default["AVENUE_CACHE_MB"], default["AVENUE_MAX_DECODE_MB"]
        return base + workers * (each + cache) + decoders * decode

    assert f"{needed_mb(2, 2):,} MB" in said
    web = container_of(manifest("Deployment", "avenue-web"))["resources"]["limits"]
    workers = int(manifest("ConfigMap", "avenue")["data"]["WEB_CONCURRENCY"])
    gib = int(web["memory"].removesuffix("Gi"))
    assert gib * 1024 >= needed_mb(workers, int(web["cpu"]))
    app = compose()["services"]["app1"]
    assert int(app["mem_limit"].removesuffix("g")) * 1024 >= needed_mb(
        default["WEB_CONCURRENCY"], app["cpus"]
    )


def test_the_operations_page_names_each_file_and_commands_that_there_are():
    said = (ROOT / "docs/operations.md").read_text()
    named = {path.relative_to(ROOT).as_posix() for path in KUBERNETES}
    named |= {"compose.yaml", "render.yaml", "deploy/new_env.sh", "Procfile"}
    assert {name for name in named if name not in said} == set()
    pages = [said, *((ROOT / name).read_text() for name in ("README.md", "Procfile"))]
    words = {word for page in pages for word in re.findall(r"python -m avenue ([a-z-]+)", page)}
    assert words <= set(commands.commands)
