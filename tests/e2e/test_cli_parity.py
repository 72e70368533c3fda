"""berth beside docker on the same daemon: what scripts read must be the same, to the byte."""

import re
import shlex

import pytest

QUESTIONS = """
ps
ps -a
ps -aq
ps -aq --no-trunc
ps -a --no-trunc --format '{{.ID}}|{{.Names}}|{{.Image}}|{{.Command}}|{{.State}}|{{.Status}}|{{.Ports}}|{{.Labels}}|{{.Mounts}}|{{.Networks}}'
ps -as --format 'table {{.Names}}\\t{{.Size}}'
ps -a --format '{{.Label "colour"}}'
ps -a --format json
ps -n 1
ps -l
ps -a --filter status=exited
ps -a --filter exited=3 --format '{{.Names}}'
ps --filter colour=red
ps --filter red
container ls -a --filter label=colour
top running
top running -o pid,comm
top running -o comm
top ended
top nobody
top
stats --no-stream --format '{{.Name}} {{.Container}} {{.ID}} {{.PIDs}}'
stats --no-stream --no-trunc --format '{{.ID}}' running
stats --no-stream --all --format '{{.Name}} {{.MemUsage}} {{.CPUPerc}} {{.NetIO}}' ended
stats --no-stream nobody
stats --no-stream --format '{{.Colour}}' running
update
update running
update --memory 10m nobody
update --restart bogus running
update --memory 1k running
update --cpus x running
exec
exec running
exec nobody true
exec ended true
exec frozen true
exec -d nobody true
exec running /nope
exec running /etc/passwd
exec -w /nope running true
exec -u nobody-at-all running true
exec -e A=b -e PATH running env
exec -it running true
exec --detach-keys bogus-keys -it running true
pause
pause nobody
pause frozen
pause ended
unpause running
wait nobody
wait ended
wait ended nobody ended
kill ended
kill nobody
kill -s BOGUS running
kill -s 0 running
attach ended
attach frozen
attach nobody
logs nobody
logs ended
logs --tail x ended
logs --since bogus ended
rename nobody other
rename running ended
rename running running
stop nobody
start nobody
start frozen
restart nobody
rm nobody
rm running
port running
inspect nobody
inspect running --format '{{.Name}} {{.State.Status}} {{json .Config.Labels}}'
inspect --size ended --format '{{.SizeRw}} {{.SizeRootFs}}'
inspect -s ended --format '{{json .SizeRw}}'
inspect --type container busybox
inspect ended
container inspect running ended
container prune -f --filter label=nothing
container prune -f --filter bogus=1
container prune
events --since 1 --until 2
events --until 2 --format '{{bogus'
events --since bogus
attach
attach running frozen
attach --no-stdin ended
wait
kill
kill --bogus running
stop
stop --time x running
stop --timeout 1 nobody
start
restart
rm
rename running
logs
logs running ended
logs --bogus ended
logs -t --tail 0 ended
ps extra
ps --bogus
ps -n x
ps --format '{{.Bogus}}'
ps --format '{{'
ps --format 'table {{.Names}}' --no-trunc
ps --filter id=zzz
ps --filter name=run --quiet
ps --last 2 --quiet
ps --filter health=bogus
ps --filter status=bogus
ps --filter before=nobody
events extra
events --bogus
stats --bogus
stats --no-stream --format 'table {{.Name}}' running
stats --no-stream ended nobody
top --bogus
top running -Z-bogus
update --bogus running
update --memory x running
update --memory 32m --memory-swap 16m running
update --pids-limit x running
update --cpu-shares -1 running
update --cpuset-cpus 99 running
update --blkio-weight 5 running
update --restart always:3 running
update --restart on-failure:x running
exec --bogus running true
exec -e =b running true
exec --env-file /nope running true
exec --privileged --detach nobody true
inspect
inspect --bogus running
inspect --format '{{.Bogus}}' running
inspect --format '{{' running
inspect --format json running
container inspect nobody
container inspect --format '{{.State.Running}} {{.State.Paused}} {{.State.ExitCode}}' running frozen ended
container ls --help
container stats --help
container exec --help
container update --help
container attach --help
container top --help
container pause --help
container unpause --help
container wait --help
container prune --help
container kill --help
container stop --help
container restart --help
container start --help
container rename --help
container logs --help
container rm --help
container inspect --help
events --help
stats --help
exec --help
ps --help
top --help
container bogus
"""


@pytest.fixture
def both(host):
    """Runs one command line with both programs."""
    return lambda *arguments: [run(*arguments, check=False) for run in (host.docker, host.berth)]


def comparable(result):
    text = f"{result.code}\n{result.out}\n--\n{result.err}"
    text = re.sub(r"(Up |Exited \(\d+\) )?(Less than a second|About a minute|\d+ (seconds?|minutes?))( ago)?", "<age>", text)
    text = re.sub(r" {2,}", "  ", text)  # columns are as wide as the ages in them
    return re.sub(r"\bberth\b", "docker", text)  # each calls itself by its own name


@pytest.fixture
def some_containers(host):
    host.spawn("sleep", "4321", name="running", Labels={"colour": "red"}, host_config={"Memory": 64 << 20})
    host.wait(host.spawn("sh", "-c", "echo said; echo erred >&2; exit 3", name="ended"))
    host.spawn("sleep", "4322", name="frozen")
    host.api.post("/containers/frozen/pause")
    yield
    host.api.post("/containers/frozen/unpause")


@pytest.mark.parametrize("question", QUESTIONS.strip().splitlines())
def test_answer_is_dockers(some_containers, both, question):
    docker, berth = both(*shlex.split(question))
    assert comparable(berth) == comparable(docker)
