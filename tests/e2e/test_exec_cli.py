"""Further processes by both command lines: streams, exit codes, terminals."""


def test_exec_gives_both_streams_and_the_exit_code(cli):
    cli.spawn("busybox", "sleep", "1000", name="web")
    result = cli("exec", "web", "sh", "-c", "echo out; echo err >&2; exit 7", check=False)
    assert (result.code, result.out, result.err) == (7, "out\n", "err\n")


def test_exec_forwards_stdin_and_its_end(cli):
    cli.spawn("busybox", "sleep", "1000", name="web")
    assert cli("exec", "-i", "web", "cat", input="through\n").out == "through\n"


def test_exec_takes_environment_user_and_directory(cli):
    cli.spawn("busybox", "sleep", "1000", name="web")
    result = cli("exec", "-e", "A=1", "-u", "65534:65534", "-w", "/tmp", "web", "sh", "-c", "echo $A $(id -u) $PWD")
    assert result.out == "1 65534 /tmp\n"


def test_exec_in_no_container_says_so(cli):
    result = cli("exec", "nobody", "true", check=False)
    assert (result.code, result.err) == (1, "Error response from daemon: No such container: nobody\n")


def test_exec_session_on_a_terminal_has_its_size_and_follows_it(host, terminal):
    host.spawn("sleep", "1000", name="web")
    session = terminal("exec", "-it", "web", "sh", rows=33, columns=111)
    session.expect("# ")
    assert session.is_raw()
    session.type("stty size\r")
    session.expect("33 111")
    session.resize(44, 122)
    session.type("while [ \"$(stty size)\" != '44 122' ]; do sleep 0.1; done; echo re''sized\r")
    session.expect("resized")
    session.type("exit 12\r")
    assert session.finish() == 12


def test_exec_can_be_detached_from(host, terminal):
    host.spawn("sleep", "1000", name="web")
    session = terminal("exec", "-it", "--detach-keys", "ctrl-x,q", "web", "sh")
    session.expect("# ")
    session.type("\x18q")
    session.expect("read escape sequence")
    assert session.finish() == 1
