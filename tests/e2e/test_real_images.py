"""Real programs: nginx serves, python computes, a Debian shell does what a person types."""

import hashlib

import pytest

from harness.waiting import until


@pytest.mark.images("nginx")
def test_nginx_serves_a_page_that_curl_fetches(host, client):
    container = client.spawn("nginx", network="host", name="web")

    def page():
        answer = host.shell("curl", "-s", "-i", "http://127.0.0.1:80/", check=False)
        return answer.returncode == 0 and answer.stdout
    text = until(page, "nginx to answer")
    assert text.startswith("HTTP/1.1 200 OK") and "served by a container" in text
    host.wait_for_output(container, b"GET / HTTP/1.1")
    client.stop("web", timeout=60)
    assert client.inspect("web")["State"]["ExitCode"] == 0


@pytest.mark.images("nginx")
def test_nginx_image_says_what_it_is(client):
    shown = client.inspect_image("nginx")
    assert shown["Config"]["Entrypoint"] == ["nginx"] and shown["Config"]["ExposedPorts"] == {"80/tcp": {}}
    assert shown["Config"]["StopSignal"] == "SIGQUIT" and len(shown["RootFS"]["Layers"]) == 2
    assert client.history("nginx") == ["apt-get install nginx", "mmdebstrap --variant=minbase bookworm"]


@pytest.mark.images("python")
def test_python_computes(client):
    program = "import hashlib, math; print(math.factorial(30), hashlib.sha256(b'berth').hexdigest()[:8])"
    result = client.run("python", "python3", "-c", program, rm=True)
    wanted = hashlib.sha256(b"berth").hexdigest()[:8]
    assert (result.code, result.out) == (0, f"265252859812191058636308480000000 {wanted}\n")


@pytest.mark.images("python")
def test_python_reads_what_is_piped_to_it(client):
    result = client.run("python", "python3", "-c", "import sys; print(sum(map(int, sys.stdin)))", rm=True,
                        input="".join(f"{number}\n" for number in range(1000)))
    assert result.out == "499500\n"


@pytest.mark.images("python")
def test_threads_and_processes_work_in_python(client):
    program = ("import threading, subprocess, sys\n"
               "found = []\n"
               "threads = [threading.Thread(target=lambda n=n: found.append(n)) for n in range(50)]\n"
               "[t.start() for t in threads]; [t.join() for t in threads]\n"
               "print(len(found), subprocess.check_output(['echo', 'child']).decode().strip(), sys.argv)\n")
    assert client.run("python", "python3", "-c", program, "a b", rm=True).out == "50 child ['-c', 'a b']\n"


@pytest.mark.images("debian")
def test_debian_shell_is_typed_into(host, terminal):
    session = terminal("run", "-it", "--rm", "--name", "deb", "--hostname", "deb", "debian:minbase")
    session.expect("root@deb:/# ")
    session.type("x=6; echo answer=$((x * 7))\r")
    session.expect("answer=42\r\n")
    session.type("dpkg-query -W -f '${Status}\\n' base-files\r")
    session.expect("\rinstall ok installed\r\n")
    session.type("sleep 1000\r")
    # A shell that is interrupted before it has read its line throws the next letter away.
    until(lambda: "sleep 1000" in str(host.api.get("/containers/deb/top").json), "sleep in the container")
    session.type("\x03")
    session.expect("^C")
    session.expect("root@deb:/# ")  # a shell that is just taking its terminal back may lose what is typed
    session.type("exit 5\r")
    assert session.finish() == 5


@pytest.mark.images("debian")
def test_debian_tools_change_the_root_and_nobody_elses(client):
    script = "useradd -m someone && su someone -c 'id -un; touch ~/mine; stat -c %U ~/mine' && apt-get --version | head -1"
    result = client.run("debian:minbase", "bash", "-c", script, rm=True)
    assert result.out.splitlines()[:2] == ["someone", "someone"], result
    assert client.run("debian:minbase", "id", "someone", rm=True).code == 1
