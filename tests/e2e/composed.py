"""Compose files after patterns of real use, each named: what they are made of is what projects have in theirs.

Each is a folder of files; `compose.yaml` is read, or the files that FILES names, with the variables that ENV sets.
"""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(frozen=True)
class Folder:
    """One case.  read: the files that are given to compose, in order."""

    files: dict[str, str]
    read: tuple[str, ...] = ("compose.yaml",)
    env: dict[str, str] = field(default_factory=dict)


def one(text: str, **env: str) -> Folder:
    return Folder({"compose.yaml": text}, env=env)


def several(files: dict[str, str], *read: str, **env: str) -> Folder:
    return Folder(files, read or ("compose.yaml",), env)


WEB = "services:\n  web:\n    image: app\n"

CASES: dict[str, Folder] = {
    "one service": one(WEB),
    "labels as a mapping": one(WEB + "    labels:\n      confgen.host: shop.example.com\n      confgen.port: 8080\n      flag: true\n      none:\n"),
    "labels as a list": one(WEB + "    labels:\n      - confgen.host=shop.example.com\n      - confgen.port=8080\n      - bare\n      - 'eq=a=b'\n"),
    "numbers and words that YAML could read otherwise": one(
        WEB + "    labels: {a: 1.10, b: 010, c: 0x10, d: off, e: 12:30, f: 1e3, g: 'yes', h: 3.0, i: -1, j: 1_000, k: 08, l: 0o17, m: 1.5e3, n: 1e-7, o: 1234567.5, p: 100000.0, q: -0.25, r: 12345678901234567890}\n"
    ),
    "a name for the project": one("name: myshop\n" + WEB),
    "a project's name from the environment": one("name: myshop\n" + WEB, COMPOSE_PROJECT_NAME="other"),
    "a project's name with a variable": one("name: shop-${STAGE:-dev}\n" + WEB, STAGE="live"),
    "expose and ports, short": one(WEB + "    expose: ['8080', 9090]\n    ports: ['80:8000', '127.0.0.1:81:8001/tcp', '53:53/udp', '7000']\n"),
    "ports, long": one(WEB + "    ports:\n      - {target: 80, published: '8080', protocol: tcp, mode: host}\n      - target: 53\n        protocol: udp\n"),
    "two networks": one(WEB + "    networks: [front, back]\n  db:\n    image: db\n    networks: [back]\nnetworks:\n  front:\n  back:\n"),
    "networks with aliases and addresses": one(
        WEB + "    networks:\n      front:\n        aliases: [shop]\n        priority: 10\n      default:\nnetworks:\n  front: {}\n"
    ),
    "an external network, as beside nginx-proxy": one(
        WEB + "    networks: [proxy]\nnetworks:\n  proxy:\n    external: true\n    name: nginx-proxy\n"
    ),
    "an external network without a name": one(WEB + "    networks: [proxy]\nnetworks:\n  proxy:\n    external: true\n"),
    "a default network by another name": one(WEB + "networks:\n  default:\n    name: edge\n"),
    "a network's name with a variable": one(WEB + "    networks: [n]\nnetworks:\n  n:\n    name: ${NET:-net}\n"),
    "the host's network": one(WEB + "    network_mode: host\n"),
    "no network": one(WEB + "    network_mode: none\n"),
    "behind a VPN's container": one(WEB + "    network_mode: service:vpn\n  vpn:\n    image: vpn\n    networks: [out]\nnetworks: {out: {}}\n"),
    "variables with defaults": one(WEB + "    labels:\n      a: ${A:-x}\n      b: ${B-y}\n      c: ${C:-}\n      d: $D\n      e: ${E:+set}\n      f: $$HOME\n", B="", E="1"),
    "variables in defaults": one(WEB + "    labels:\n      confgen.host: ${HOST:-www.${DOMAIN:-example.com}}\n", DOMAIN="shop.test"),
    "a required variable": one(WEB + "    labels:\n      confgen.host: ${HOST:?set it}\n", HOST="a.test"),
    ".env beside the file": several({"compose.yaml": WEB + "    labels: {confgen.host: '${HOST}', q: '${Q}', s: '${S}'}\n",
                                     ".env": "# hosts\nHOST=env.example.com\nexport Q=\"two words\" # why\nS='$HOME'\n"}),
    ".env with variables": several({"compose.yaml": WEB + "    labels: {confgen.host: '${HOST}'}\n", ".env": "DOMAIN=example.com\nHOST=www.${DOMAIN}\n"}),
    "the environment goes before .env": several({"compose.yaml": WEB + "    labels: {h: '${HOST}'}\n", ".env": "HOST=file\n"}, HOST="shell"),
    "anchors and merge keys": one("x-labels: &l\n  a: 1\n  b: 2\nx-base: &base\n  image: app\n  restart: always\nservices:\n  web:\n    <<: *base\n    labels:\n      <<: *l\n      b: 3\n  api:\n    <<: *base\n    labels: *l\n"),
    "merge keys in a list": one("x-a: &a {image: app}\nx-b: &b {labels: {x: '1'}}\nservices:\n  web:\n    <<: [*a, *b]\n    expose: ['80']\n"),
    "an override beside it": several({"compose.yaml": WEB + "    labels: {a: '1', b: '2'}\n    expose: ['80']\n", "compose.override.yaml": "services:\n  web:\n    labels: {b: '3', c: '4'}\n    expose: ['81']\n    networks: [front]\nnetworks: {front: {}}\n"},
                                     "compose.yaml", "compose.override.yaml"),
    "a list of labels over a mapping": several({"compose.yaml": WEB + "    labels: {a: '1', b: '2'}\n", "live.yaml": "services:\n  web:\n    labels: ['b=3']\n"}, "compose.yaml", "live.yaml"),
    "a service more in the second file": several({"compose.yaml": WEB, "more.yaml": "services:\n  worker: {image: w}\n"}, "compose.yaml", "more.yaml"),
    "the second file names the project": several({"compose.yaml": WEB, "b.yaml": "name: second\nservices: {}\n"}, "compose.yaml", "b.yaml"),
    "networks of two files": several({"compose.yaml": WEB + "    networks: [a]\nnetworks: {a: {name: one}}\n", "b.yaml": "services:\n  web:\n    networks: [b]\nnetworks: {a: {name: two}, b: {}}\n"}, "compose.yaml", "b.yaml"),
    "no labels any more": several({"compose.yaml": WEB + "    labels: {a: '1'}\n    expose: ['80']\n", "b.yaml": "services: {web: {labels: !reset null}}\n"},
                                  "compose.yaml", "b.yaml"),
    "other networks": several({"compose.yaml": WEB + "    expose: ['80']\n    networks: [front]\nnetworks: {front: {}}\n",
                               "b.yaml": "services: {web: {networks: !override [edge]}}\nnetworks: {edge: {}}\n"}, "compose.yaml", "b.yaml"),
    "reset and override": several({"compose.yaml": WEB + "    labels: {a: '1', b: '2'}\n    expose: ['80']\n    ports: ['80:80']\n",
                                   "b.yaml": "services:\n  web:\n    labels: !override {c: '3'}\n    ports: !reset []\n"}, "compose.yaml", "b.yaml"),
    "extends in one file": one("services:\n  base:\n    image: app\n    labels: {a: '1', b: '2'}\n    expose: ['80']\n  web:\n    extends: {service: base}\n    labels: {b: '3'}\n  api:\n    extends: base\n"),
    "extends from another file": several({"compose.yaml": "services:\n  web:\n    extends: {file: common/base.yaml, service: app}\n    labels: {x: '1'}\n",
                                          "common/base.yaml": "services:\n  app:\n    image: app\n    labels: {from: base}\n    expose: ['8080']\n"}),
    "extends over two steps": one("services:\n  a: {image: x, labels: {a: '1'}}\n  b: {extends: a, labels: {b: '1'}}\n  c: {extends: b, labels: {c: '1'}}\n"),
    "include": several({"compose.yaml": "include: [db/compose.yaml]\n" + WEB, "db/compose.yaml": "services:\n  db:\n    image: db\n    labels: {tier: back}\n    networks: [back]\nnetworks: {back: {}}\n"}),
    "include with variables of its own": several({"compose.yaml": "include:\n  - path: db/compose.yaml\n    env_file: db/live.env\n" + WEB,
                                                  "db/compose.yaml": "services:\n  db:\n    image: db\n    labels: {stage: '${STAGE:-none}'}\n", "db/live.env": "STAGE=live\n"}),
    "include finds the .env beside what it includes": several({"compose.yaml": "include: [db/compose.yaml]\n" + WEB, "db/.env": "STAGE=own\n",
                                                               "db/compose.yaml": "services:\n  db:\n    image: db\n    labels: {stage: '${STAGE:-none}'}\n"}),
    "include of two files as one": several({"compose.yaml": "include:\n  - path: [a.yaml, b.yaml]\n" + WEB, "a.yaml": "services: {db: {image: db, labels: {a: '1'}}}\n", "b.yaml": "services: {db: {labels: {b: '1'}}}\n"}),
    "profiles that nobody asked for": one(WEB + "  debug:\n    image: d\n    profiles: [debug]\n  both:\n    image: b\n    profiles: [debug, live]\n"),
    "profiles that were asked for": one(WEB + "  debug:\n    image: d\n    profiles: [debug]\n  live:\n    image: b\n    profiles: [live]\n", COMPOSE_PROFILES="debug,other"),
    "profiles from .env": several({"compose.yaml": WEB + "  debug:\n    image: d\n    profiles: [debug]\n", ".env": "COMPOSE_PROFILES=debug\n"}),
    "scaled to none": one(WEB + "  idle:\n    image: i\n    scale: 0\n  spare:\n    image: s\n    deploy: {replicas: 0}\n  three:\n    image: t\n    deploy: {replicas: 3, labels: {swarm: 'only'}}\n"),
    "a healthcheck and what depends on it": one(WEB + "    depends_on:\n      db: {condition: service_healthy}\n    healthcheck: {test: [CMD, 'true'], interval: 5s}\n  db:\n    image: db\n    healthcheck: {test: ['NONE']}\n"),
    "build, volumes, secrets, configs": one("services:\n  web:\n    build: {context: ., args: {A: b}}\n    volumes: ['data:/data', './x:/x:ro']\n    secrets: [s]\n    labels: {a: b}\nvolumes: {data: {}}\nsecrets: {s: {environment: HOME}}\n"),
    "version on top, as old files have it": one("version: '3.8'\n" + WEB + "    labels: [a=b]\n"),
    "text over several lines": one(WEB + "    labels:\n      a: >-\n        one\n        two\n      b: |\n        x\n        y\n      c: \"d\\te\"\n"),
    "an empty service list of labels": one(WEB + "    labels: []\n    expose: []\n"),
    "a blog and its database": one(
        "services:\n  blog:\n    image: wordpress:6\n    labels: {confgen.host: blog.example.com, confgen.port: '80'}\n    networks: [front, back]\n    environment: {WORDPRESS_DB_HOST: db}\n"
        "  db:\n    image: mariadb:11\n    networks: [back]\n    volumes: ['db:/var/lib/mysql']\nnetworks: {front: {}, back: {internal: true}}\nvolumes: {db: {}}\n"
    ),
}  # fmt: skip
