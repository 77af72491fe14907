"""Root filesystems made of Debian packages: unpacked, not installed, so no maintainer script runs and none is needed.

apt resolves and downloads, `dpkg-deb` and `tar` unpack, and `_finish` does by hand the little that the scripts would
have done. That takes seconds per root where debootstrap takes minutes.
"""

from __future__ import annotations

import os
import subprocess
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from tests.bed.debian import Archive, opened
from tests.bed.shell import BedError, cache, key, prune, published, run, say, step

# Raise it when `_finish` or the unpacking changes: packages and users alone would not tell.
EDITION = 2

# What the official images have for their base, less apt and perl.
BASE = (
    *("base-files", "base-passwd", "bash", "coreutils", "dash", "debianutils", "diffutils", "findutils", "grep"),
    *("gzip", "hostname", "libc-bin", "mawk", "passwd", "sed", "tar", "tzdata", "util-linux", "ca-certificates"),
)
# Debian's haproxy depends on an init system, which no container needs and which is bigger than all else; some of its
# packages on Perl, for scripts that are not run.
UNWANTED = ("systemd_", "libsystemd-shared_", "perl", "libperl5", "usrmerge_", "openssl_")
NO_DOCS = ("doc", "info", "lintian", "locale", "man", "bash-completion", "i18n/locales")


@dataclass(frozen=True, slots=True)
class Root:
    """What goes into one root. `user` is (name, uid) as in the official image; an `optional` root may be missing."""

    name: str
    suites: tuple[str, ...]
    packages: tuple[str, ...]
    user: tuple[str, int] | None = None
    optional: bool = False

    @property
    def path(self) -> Path:
        return cache() / "roots" / f"{self.name}-{key(EDITION, BASE, UNWANTED, NO_DOCS, self)}"


NGINX = ("nginx", "libnginx-mod-stream", "curl", "gettext-base")
PYTHON = ("python3", "python3-pip", "python3-venv", "netbase")
EXPERIMENTAL = ("sid", "experimental")

ROOTS = {
    root.name: root
    for root in (
        Root("nginx-bookworm", ("bookworm",), NGINX, user=("nginx", 101)),
        Root("nginx-trixie", ("trixie",), NGINX, user=("nginx", 101)),
        Root("nginx-forky", ("forky",), NGINX, user=("nginx", 101)),
        Root("haproxy-bookworm", ("bookworm",), ("haproxy",), user=("haproxy", 99)),
        Root("haproxy-trixie", ("trixie",), ("haproxy",), user=("haproxy", 99)),
        Root("haproxy-forky", ("forky",), ("haproxy",), user=("haproxy", 99)),
        Root("haproxy-experimental", EXPERIMENTAL, ("haproxy",), user=("haproxy", 99), optional=True),
        Root("python-trixie", ("trixie",), PYTHON),
        Root("busybox-trixie", ("trixie",), ("busybox-static",)),
        Root("mariadb-trixie", ("trixie",), ("mariadb-server", "mariadb-client"), user=("mysql", 999)),
    )
}


def build(names: tuple[str, ...]) -> dict[str, Path]:
    """Make these roots, or find them in the cache. An optional one that cannot be had is left out, and said."""
    wanted = [ROOTS[name] for name in names]
    missing = [root for root in wanted if not root.path.exists()]
    if missing:
        with step("roots", f"building {', '.join(root.name for root in missing)}"):
            _build(missing)
    return {root.name: root.path for root in wanted if root.path.exists()}


def _build(missing: list[Root]) -> None:
    """Suites side by side: most of the time is the network's and the unpacker's, not Python's."""
    with ThreadPoolExecutor(max_workers=4) as pool:
        suites = [[root for root in missing if root.suites == name] for name in {root.suites for root in missing}]
        for done in [pool.submit(_make_suite, roots) for roots in suites]:
            done.result()


def _make_suite(roots: list[Root]) -> None:
    """Fetch a suite's package lists once, then make its roots; experimental comes and goes, and is not waited for."""
    try:
        with opened(roots[0].suites) as archive:
            for root in roots:
                _make(root, archive)
    except BedError as error:
        if not all(root.optional for root in roots):
            raise
        say("roots", f"doing without {', '.join(root.name for root in roots)}: {error}")


def _make(root: Root, archive: Archive) -> None:
    with published(root.path) as draft:
        _merge_usr(draft)
        for package in archive.fetch(_packages(root)):
            if not package.name.startswith(UNWANTED):
                _unpack(package, draft)
        _finish(draft, root)
    prune(root.path.parent.glob(f"{root.name}-*"), keep=2)


def _packages(root: Root) -> tuple[str, ...]:
    return root.packages if root.packages == ("busybox-static",) else (*BASE, *root.packages)


def _merge_usr(draft: Path) -> None:
    """/bin and its like are links to /usr/bin since Debian 12, but not every package knows."""
    for name in ("bin", "sbin", "lib", "lib64"):
        (draft / "usr" / name).mkdir(parents=True, exist_ok=True)
        (draft / name).symlink_to(f"usr/{name}")


def _unpack(package: Path, into: Path) -> None:
    """As dpkg does it: through links to folders, not over them, and with the owners that the package means."""
    without = [f"--exclude=./usr/share/{name}/*" for name in NO_DOCS]
    tar = ["tar", "--extract", "--keep-directory-symlink", "--numeric-owner", f"--directory={into}"]
    with subprocess.Popen(["dpkg-deb", "--fsys-tarfile", package], stdout=subprocess.PIPE) as stream:
        done = subprocess.run([*tar, *without, "--file=-"], stdin=stream.stdout, check=False, capture_output=True, text=True)
    if stream.returncode or done.returncode:
        raise BedError(f"unpacking {package.name}: {done.stderr.strip()}")


def _finish(draft: Path, root: Root) -> None:
    """What the maintainer scripts would have done, as far as a container needs it."""
    if (draft / "usr/share/base-passwd").exists():
        _accounts(draft, root)
        (draft / "usr/bin/awk").symlink_to("mawk")
        (draft / "etc/nsswitch.conf").write_text("passwd: files\ngroup: files\nhosts: files dns\n", encoding="utf-8")
        _certificates(draft)
        if os.geteuid() == 0:  # It changes its root. Without it libraries are found as well, only not by `ldconfig -p`.
            run(["ldconfig", "-r", draft])
    for folder in ("dev", "proc", "sys", "run", "usr/local/bin", "usr/local/sbin", "usr/local/lib", "var/tmp"):
        (draft / folder).mkdir(parents=True, exist_ok=True)
    (draft / "tmp").mkdir(exist_ok=True)
    for folder in ("tmp", "var/tmp"):
        (draft / folder).chmod(0o1777)


def _accounts(draft: Path, root: Root) -> None:
    masters = draft / "usr/share/base-passwd"
    passwd = (masters / "passwd.master").read_text(encoding="utf-8").replace(":*:", ":x:")
    group = (masters / "group.master").read_text(encoding="utf-8").replace(":*:", ":x:")
    if root.user:
        name, uid = root.user
        passwd += f"{name}:x:{uid}:{uid}:{name}:/nonexistent:/usr/sbin/nologin\n"
        group += f"{name}:x:{uid}:\n"
    (draft / "etc/passwd").write_text(passwd, encoding="utf-8")
    (draft / "etc/group").write_text(group, encoding="utf-8")
    shadow = draft / "etc/shadow"
    shadow.write_text("".join(f"{line.split(':')[0]}:*:::::::\n" for line in passwd.splitlines()), encoding="utf-8")
    shadow.chmod(0o640)


def _certificates(draft: Path) -> None:
    """The bundle that `update-ca-certificates` makes."""
    found = sorted((draft / "usr/share/ca-certificates").rglob("*.crt"))
    bundle = draft / "etc/ssl/certs/ca-certificates.crt"
    bundle.parent.mkdir(parents=True, exist_ok=True)
    bundle.write_bytes(b"".join(path.read_bytes() for path in found))
