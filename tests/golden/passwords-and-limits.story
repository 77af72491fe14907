Passwords from labels, and what one client may take: on routes, on a port; a hash that costs too much, a plain one, a burst without a rate.
---- instances ----
shop-web-1: {of: shop/web, labels: {host: shop.example.com, port: "80", limit.rate: 10r/s, limit.burst: "20", limit.body: 10m}}
shop-adm-1: {of: shop/adm, labels: {host: shop.example.com, path: /admin, port: "80", auth.basic: "bob:$6$saltsalt$TVLlQcbpFVof5W3Yz4DTP6gRstiNuHwwTt6GLc1E5n0U0aDehy0S5knV8wiOQSpT0Y77vwPZN.Pq.H91p5hVO1"}}
db: {labels: {tcp.5432: "5432", tcp.5432.limit.connections: "20"}}
slow: {labels: {host: slow.example.com, port: "80", auth.basic: "ann:$2y$10$abcdefghijklmnopqrstuuOQiyCxlgf/oeuTqixKmWdcYUh4Hjl0a"}}
plain: {labels: {host: plain.example.com, port: "80", auth.basic: "ann:secret"}}
burst: {labels: {host: burst.example.com, port: "80", limit.burst: "5"}}
old: {labels: {host: old.example.com, port: "80", auth.basic: "ann:$apr1$saltsalt$LrttParrLPdxvgutaSXWJ0"}}
---- problems ----
CG003 container burst, label confgen.limit.burst: limit.burst needs a rate (the route answers 503 until this is mended)
  set limit.rate, as in 10r/s
haproxy: CG004 container old, route default: HAProxy cannot check the apr1 password of ann (the route answers 503 until this is mended)
  use bcrypt (`htpasswd -nB NAME`) or SHA-512
CG161 container plain, label confgen.auth.basic: ann: this is no bcrypt, SHA-256, SHA-512 or apr1 hash; plain text is refused (the route answers 503 until this is mended)
  make one with `htpasswd -nB NAME` or `openssl passwd -6`; in a compose file write each $ as $$
CG161 container slow, label confgen.auth.basic: ann: bcrypt of cost 10 would stall the proxy (the route answers 503 until this is mended)
  use cost 4 to 6 (`htpasswd -nB -C 5 NAME`) or SHA-512 (`openssl passwd -6`)
---- nginx 1.30: nginx.conf ----
# Made by confgen, generation 6714f95eb0f27dda. The next change of a container replaces this file;
# to change what stands here, shadow one of the templates (templates/README.md).

worker_processes        auto;
worker_rlimit_nofile    16384;

# Workers of the former generation finish what they have, websockets and downloads too, but not for ever.
worker_shutdown_timeout 10m;

error_log stderr;

events {
    worker_connections 8192;
}

http {
    server_tokens        off;
    default_type         text/plain;
    client_max_body_size 0;             # the app says what is too large
    resolver_timeout     5s;

    server_names_hash_bucket_size 64;
    server_names_hash_max_size    512;

    # Requests that never reach a location (malformed ones) are logged without a route.
    uninitialized_variable_warn off;

    # A reload closes idle connections; clients that are about to use one shall have time to see it.
    keepalive_timeout     60s;
    keepalive_min_timeout 10s;

    # To servers: HTTP/1.1 over kept connections. What failed to connect is tried on another server; a POST whose bytes
    # have reached one is not (nginx never sends those twice), nor what a server was silent on for the whole timeout.
    proxy_http_version          1.1;
    proxy_next_upstream         error timeout;
    proxy_connect_timeout       500ms;
    proxy_read_timeout          60s;
    proxy_send_timeout          60s;
    proxy_next_upstream_tries   3;
    proxy_next_upstream_timeout 60s;
    proxy_redirect              off;
    proxy_socket_keepalive      on;
    proxy_buffer_size           16k;    # for the response's headers; 4k is too little for some apps
    proxy_buffers               8 16k;
    proxy_busy_buffers_size     32k;

    # A server does not steer this proxy: only X-Accel-Buffering, about its own response, is obeyed (server-sent events).
    proxy_ignore_headers X-Accel-Redirect X-Accel-Expires X-Accel-Limit-Rate X-Accel-Charset;

    # --- What a server is told of the client. All is made anew: what the client sent under these names is dropped.

    # Upgrades (websockets) pass; h2c does not, since what follows would not be looked at.
    map $http_upgrade $confgen_upgrade {
        default $http_upgrade;
        ~*h2c   "";
    }
    map $confgen_upgrade $confgen_connection {
        default upgrade;
        ""      "";
    }

    # The port that the client used, where it named one: behind a published port it is not the one that we listen on.
    map $http_host $confgen_colon_port {
        default                           "";
        "~(?<confgen_colon>:[0-9]{1,5})$" $confgen_colon;
    }
    map $scheme$confgen_colon_port $confgen_port {
        http                       80;
        https                      443;
        "~:(?<confgen_number>.*)$" $confgen_number;
    }

    # Stands for a dollar where nginx would take one for the start of a variable.
    geo $confgen_dollar {
        default "$";
    }

    proxy_headers_hash_max_size    1024;
    proxy_headers_hash_bucket_size 128;
    proxy_set_header Host                     $host$confgen_colon_port;
    proxy_set_header X-Real-IP                $remote_addr;
    proxy_set_header X-Forwarded-For          $remote_addr;
    proxy_set_header X-Forwarded-Proto        $scheme;
    proxy_set_header X-Forwarded-Host         $host$confgen_colon_port;
    proxy_set_header X-Forwarded-Port         $confgen_port;
    proxy_set_header Forwarded                "";
    proxy_set_header Front-End-Https          "";
    proxy_set_header Proxy                    "";
    proxy_set_header X-Forwarded-By           "";
    proxy_set_header X-Forwarded-Email        "";
    proxy_set_header X-Forwarded-Groups       "";
    proxy_set_header X-Forwarded-Method       "";
    proxy_set_header X-Forwarded-Path         "";
    proxy_set_header X-Forwarded-Prefix       "";
    proxy_set_header X-Forwarded-Protocol     "";
    proxy_set_header X-Forwarded-Scheme       "";
    proxy_set_header X-Forwarded-Server       "";
    proxy_set_header X-Forwarded-Ssl          "";
    proxy_set_header X-Forwarded-Uri          "";
    proxy_set_header X-Forwarded-User         "";
    proxy_set_header X-Original-For           "";
    proxy_set_header X-Original-Forwarded-For "";
    proxy_set_header X-Original-Host          "";
    proxy_set_header X-Original-Method        "";
    proxy_set_header X-Original-Prefix        "";
    proxy_set_header X-Original-Proto         "";
    proxy_set_header X-Original-Remote-Addr   "";
    proxy_set_header X-Original-Uri           "";
    proxy_set_header X-Original-Url           "";
    proxy_set_header X-Rewrite-Uri            "";
    proxy_set_header X-Rewrite-Url            "";
    proxy_set_header X-Url-Scheme             "";
    proxy_set_header Upgrade                  $confgen_upgrade;
    proxy_set_header Connection               $confgen_connection;

    # --- One line a request, on stdout.

    log_format confgen '$remote_addr [$time_iso8601] $host "$request" $status $body_bytes_sent ${request_time}s '
                       'route=$confgen_route server=$upstream_addr upstream_time=$upstream_response_time "$http_user_agent"';
    access_log /dev/stdout confgen buffer=4k flush=1s;  # 4k: whole lines, also with several workers on one pipe

    # --- What one client may take, and paths that can be read in two ways.
    limit_req_zone $binary_remote_addr zone=req.a6349b39cac0b262:2m rate=50r/s;
    limit_req_zone $binary_remote_addr zone=req.5614d77c74b9dadd:2m rate=50r/s;
    limit_req_zone $binary_remote_addr zone=req.6c38ac6a8ea2212c:2m rate=10r/s;
    map $request_uri $confgen_ambiguous {
        default "";
        "~*^[^?]*(%2[35f]|%3[bf]|%5c|%00|%c[01]|[;\\\\#]|/([.]|%2e)([.]|%2e)(/|[?]|$))" 1;
    }

    # --- Pools: servers that can stand in for each other.
    # Idle connections go after 1 s: apps close theirs after 2 s and more, and a request must not meet one that is closing.

    upstream old-80 {
        server 10.0.0.7:80;  # old
        keepalive 32;
        keepalive_timeout 1s;
    }

    upstream shop.adm-80 {
        server 10.0.0.2:80;  # shop-adm-1
        keepalive 32;
        keepalive_timeout 1s;
    }

    upstream shop.web-80 {
        server 10.0.0.1:80;  # shop-web-1
        keepalive 32;
        keepalive_timeout 1s;
    }

    # --- Sites.

    # Hosts that nobody claims, never the first site.
    server {
        listen 80 default_server;
        listen [::]:80 default_server;
        server_name _;

        location / {
            set $confgen_route "-";
            return 404 "404: no route for this host and path\n";
        }
    }

    server {
        listen 80;
        listen [::]:80;
        server_name burst.example.com;

        location / {
            set $confgen_route burst.default;
            add_header Retry-After 5 always;
            return 503 "503: withheld\n";
        }
    }

    server {
        listen 80;
        listen [::]:80;
        server_name old.example.com;

        location / {
            set $confgen_route old.default;
            limit_req zone=req.a6349b39cac0b262 burst=100 nodelay;
            limit_req_status 429;
            auth_basic Restricted;
            auth_basic_user_file "/confgen/generations/6714f95eb0f27dda/users/d4cc54926e89525e";
            proxy_pass http://old-80;
        }
    }

    server {
        listen 80;
        listen [::]:80;
        server_name plain.example.com;

        location / {
            set $confgen_route plain.default;
            add_header Retry-After 5 always;
            return 503 "503: withheld\n";
        }
    }

    server {
        listen 80;
        listen [::]:80;
        server_name shop.example.com;

        # A path decides here who may come in, so it must not be possible to read it in two ways.
        if ($confgen_ambiguous) {
            return 400 "400: this path can be read in two ways\n";
        }

        location = /admin {
            set $confgen_route shop.adm.default;
            limit_req zone=req.5614d77c74b9dadd burst=100 nodelay;
            limit_req_status 429;
            auth_basic Restricted;
            auth_basic_user_file "/confgen/generations/6714f95eb0f27dda/users/e404ceb7d2928a59";
            proxy_pass http://shop.adm-80;
        }

        location ^~ /admin/ {
            set $confgen_route shop.adm.default;
            limit_req zone=req.5614d77c74b9dadd burst=100 nodelay;
            limit_req_status 429;
            auth_basic Restricted;
            auth_basic_user_file "/confgen/generations/6714f95eb0f27dda/users/e404ceb7d2928a59";
            proxy_pass http://shop.adm-80;
        }

        location / {
            set $confgen_route shop.web.default;
            client_max_body_size 10m;
            limit_req zone=req.6c38ac6a8ea2212c burst=20 nodelay;
            limit_req_status 429;
            proxy_pass http://shop.web-80;
        }
    }

    server {
        listen 80;
        listen [::]:80;
        server_name slow.example.com;

        location / {
            set $confgen_route slow.default;
            add_header Retry-After 5 always;
            return 503 "503: withheld\n";
        }
    }

    # --- For confgen: which generation the running workers serve.
    server {
        listen unix:/confgen/run/nginx.sock;
        access_log off;

        location = /.confgen/generation {
            return 200 "6714f95eb0f27dda";
        }
        location / {
            return 404;
        }
    }
}

stream {
    # --- One line a connection, on stdout.

    log_format confgen '$remote_addr [$time_iso8601] $protocol/$server_port $status $bytes_received/$bytes_sent ${session_time}s '
                       'route=$confgen_route server=$upstream_addr connect_time=$upstream_connect_time';
    access_log /dev/stdout confgen buffer=4k flush=1s;

    proxy_next_upstream    on;
    proxy_socket_keepalive on;
    limit_conn_zone $binary_remote_addr zone=conn.05fa4ad35dd11359:2m;

    upstream db-5432-tcp {
        server 10.0.0.3:5432;  # db
    }

    server {
        listen 5432;
        listen [::]:5432;
        set $confgen_route db.tcp-5432;
        limit_conn conn.05fa4ad35dd11359 20;
        proxy_connect_timeout 500ms;
        proxy_timeout 60s;
        proxy_next_upstream_tries 3;
        proxy_pass db-5432-tcp;
    }
}
---- nginx 1.30: users/d4cc54926e89525e ----
ann:$apr1$saltsalt$LrttParrLPdxvgutaSXWJ0
---- nginx 1.30: users/e404ceb7d2928a59 ----
bob:$6$saltsalt$TVLlQcbpFVof5W3Yz4DTP6gRstiNuHwwTt6GLc1E5n0U0aDehy0S5knV8wiOQSpT0Y77vwPZN.Pq.H91p5hVO1
---- haproxy 3.2: haproxy.cfg ----
# Written by confgen for HAProxy 3.2, generation 3fd56d3c7bdf2efd.
# What is changed here is lost at the next change of a container: shadow a template instead.

global
    # Files named below (the maps) stand beside this one, so that a generation is one whole.
    default-path config
    # Read back from the running process: which generation it serves.
    set-var proc.confgen str(3fd56d3c7bdf2efd)
    log stdout len 8192 format raw local0
    # After a reload the old process finishes what it has (downloads, websockets), for at most so long.
    hard-stop-after 1h
    # Some hosts allow a billion descriptors, and HAProxy would take memory for each of them.
    fd-hard-limit 1048576
    # normalize-uri, used below, still counts as an experiment.
    expose-experimental-directives

# --- What all ports and pools have in common.

defaults confgen:http
    mode http
    log global
    log-format '%ci [%tr] %[var(txn.host)] "%HM %HU %HV" %ST %B %{+Q}[var(txn.agent)] route=%[var(txn.route)] server=%b/%s ms=%Ta connect_ms=%Tc response_ms=%Tr retries=%rc state=%tsc'
    option dontlognull
    # A reload closes idle connections only after an answer, so that no request is lost on one.
    option idle-close-on-response
    # What failed to connect, or got no answer at all, is tried on another server at once; see disable-l7-retry below.
    option redispatch 1
    retry-on conn-failure empty-response
    retries 2
    option allbackups
    balance roundrobin
    hash-type consistent
    http-reuse safe
    timeout connect         500ms
    timeout client          60s
    timeout server          60s
    timeout tunnel          60s
    timeout queue           30s
    timeout http-request    30s
    timeout http-keep-alive 60s
    http-error status 503 content-type text/plain string "503 Service Unavailable: no server is ready\n" hdr Retry-After 5

defaults confgen:tcp
    mode tcp
    log global
    log-format '%ci [%t] tcp %f %U/%B server=%b/%s ms=%Tt connect_ms=%Tc retries=%rc state=%ts'
    option dontlognull
    option redispatch 1
    retries 2
    option allbackups
    hash-type consistent
    timeout connect 500ms
    timeout client  60s
    timeout server  60s
    timeout queue   30s

# --- Who may log in.

userlist users:e404ceb7d2928a59
    user bob password '$6$saltsalt$TVLlQcbpFVof5W3Yz4DTP6gRstiNuHwwTt6GLc1E5n0U0aDehy0S5knV8wiOQSpT0Y77vwPZN.Pq.H91p5hVO1'

# --- What is counted of each client.

backend limit:4513ffe0cd1d6ed6 from confgen:http
    stick-table type ipv6 size 100k expire 60s store gpc0_rate(2100ms)

backend limit:56cb91533030209f from confgen:http
    stick-table type ipv6 size 100k expire 60s store gpc0_rate(2020ms)

backend limit:e0a385e58628e554 from confgen:http
    stick-table type ipv6 size 100k expire 60s store conn_cur

# --- Ports.

frontend port:http from confgen:http
    bind :80
    bind [::]:80 v6only

    # What no site can have meant: tunnels, no path, no Host or two.
    http-request deny deny_status 405 if { method CONNECT TRACE }
    http-request deny deny_status 400 unless { path -m beg / } { req.fhdr_cnt(host) eq 1 } { req.fhdr(host) -m len gt 0 }
    # A whole URL instead of a path is for proxies; a server gets the path.
    http-request set-uri %[pathq] if { url -m beg -i http } { req.ver 1.0 1.1 }
    # A request is sent a second time only where that does no harm.
    http-request disable-l7-retry unless { method GET HEAD OPTIONS }
    http-request set-var(txn.agent) req.fhdr(user-agent)

    # Which host, without its port.
    http-request set-var(txn.host) req.hdr(host),host_only,lower,regsub(\.$,)

    # Which site: its own name, else the longest wildcard.
    http-request set-var(txn.site) var(txn.host),concat(:80),map_str(hosts.map)

    # A path decides here who may come in, so it must not be possible to read it in two ways.
    http-request return status 400 content-type text/plain string "400: this path can be read in two ways\n" if { var(txn.site),map_str(strict.map) -m found } { path -m sub -i -- '%23' '%25' '%2f' '%3b' '%3f' '%5c' '%00' '%c0' '%c1' ';' '\' '#' }
    http-request return status 400 content-type text/plain string "400: this path can be read in two ways\n" if { var(txn.site),map_str(strict.map) -m found } { path -m reg -i '/([.]|%2e)([.]|%2e)(/|$)' }

    # Which path, however it is spelled; txn.clean is still percent-encoded, txn.path is not.
    http-request deny deny_status 400 if { path -m sub %00 }
    http-request set-var(txn.asked) pathq
    http-request set-pathq %[path,regsub(%2f,/,gi)]
    http-request normalize-uri percent-to-uppercase strict
    http-request normalize-uri percent-decode-unreserved strict
    http-request normalize-uri path-merge-slashes
    http-request normalize-uri path-strip-dot
    http-request normalize-uri path-strip-dotdot
    http-request deny deny_status 400 if { path /.. } || { path -m beg /../ }
    http-request set-var(txn.clean) path
    http-request set-var(txn.path) path,url_dec
    # The server gets the path as the client wrote it.
    http-request set-pathq %[var(txn.asked)]

    # Which route: the exact path, else the longest prefix that ends at a slash. The map says its name and its backend.
    http-request set-var(txn.match) var(txn.site),concat(,txn.path,/),map_beg(prefixes.map)
    http-request set-var(txn.route) "var(txn.match),word(1, )"

    # What a server is told of the client is made anew: what the client sent under these names is dropped, in one look at them.
    http-request del-header ^(forwarded|proxy|connection|front-end-https|x-(real-ip|url-scheme|(forwarded|original|rewrite)-.*)|.*_.*)$ -m reg
    # Websockets pass; an upgrade to h2c would carry requests past these rules, and a Connection that names other headers
    # would have a server drop what we tell it.
    http-request del-header Upgrade if { req.hdr(upgrade) -m sub -i h2c }
    http-request add-header Connection upgrade if { req.hdr(upgrade) -m found }
    http-request add-header X-Real-IP %[src]
    http-request add-header X-Forwarded-For %[src]
    http-request add-header X-Forwarded-Proto http
    http-request add-header X-Forwarded-Host %[req.hdr(host)]
    http-request add-header X-Forwarded-Port 80 if { req.hdr(host),port_only eq 0 }
    http-request add-header X-Forwarded-Port %[req.hdr(host),port_only] unless { req.hdr(host),port_only eq 0 }
    # A server does not steer a proxy.
    http-response del-header X-Accel- -m beg

    use_backend "%[var(txn.match),word(2, )]" if { var(txn.match) -m found }
    default_backend confgen:not-found

frontend port:tcp-5432 from confgen:tcp
    bind :5432
    bind [::]:5432 v6only
    timeout client 60s
    tcp-request connection track-sc0 src table limit:e0a385e58628e554
    tcp-request connection reject if { sc_conn_cur(0) gt 20 }
    default_backend db-5432-tcp

# --- Answers of our own.

backend confgen:not-found from confgen:http
    http-request return status 404 content-type text/plain string "404 Not Found: nothing is served here\n"

backend confgen:withheld from confgen:http
    http-request return status 503 content-type text/plain string "503 Service Unavailable\n" hdr Retry-After 60

# --- Pools: servers that can stand in for each other.

backend db-5432-tcp from confgen:tcp
    balance roundrobin
    server db 10.0.0.3:5432 weight 1

backend shop.adm-80 from confgen:http
    balance roundrobin
    http-request track-sc0 src table limit:56cb91533030209f if { var(txn.route) -m str -- shop.adm.default } { fe_name port:http }
    http-request deny deny_status 429 if { var(txn.route) -m str -- shop.adm.default } { fe_name port:http } { sc_gpc0_rate(0) gt 100 }
    http-request sc-inc-gpc0(0) if { var(txn.route) -m str -- shop.adm.default } { fe_name port:http }
    http-request auth realm Restricted if { var(txn.route) -m str -- shop.adm.default } { fe_name port:http } !{ http_auth(users:e404ceb7d2928a59) }
    server shop-adm-1 10.0.0.2:80 weight 1

backend shop.web-80 from confgen:http
    balance roundrobin
    http-request deny deny_status 413 if { var(txn.route) -m str -- shop.web.default } { fe_name port:http } { req.body_size gt 10485760 }
    http-request deny deny_status 413 if { var(txn.route) -m str -- shop.web.default } { fe_name port:http } { req.hdr(content-length) -m len gt 15 }
    http-request return status 411 if { var(txn.route) -m str -- shop.web.default } { fe_name port:http } { req.hdr(transfer-encoding) -m found }
    http-request wait-for-body time 10s at-least 1 if { var(txn.route) -m str -- shop.web.default } { fe_name port:http } !{ req.hdr(content-length) -m found } { req.ver 2.0 }
    http-request return status 411 if { var(txn.route) -m str -- shop.web.default } { fe_name port:http } !{ req.hdr(content-length) -m found } { req.body_len gt 0 }
    http-request track-sc0 src table limit:4513ffe0cd1d6ed6 if { var(txn.route) -m str -- shop.web.default } { fe_name port:http }
    http-request deny deny_status 429 if { var(txn.route) -m str -- shop.web.default } { fe_name port:http } { sc_gpc0_rate(0) gt 20 }
    http-request sc-inc-gpc0(0) if { var(txn.route) -m str -- shop.web.default } { fe_name port:http }
    server shop-web-1 10.0.0.1:80 weight 1
---- haproxy 3.2: hosts.map ----
# <host>:<port> <site>: which site a host is.
burst.example.com:80 burst.example.com:80
old.example.com:80 old.example.com:80
plain.example.com:80 plain.example.com:80
shop.example.com:80 shop.example.com:80
slow.example.com:80 slow.example.com:80
---- haproxy 3.2: wildcards.map ----
# <suffix>:<port> <site>: which site a host is that has no line in hosts.map. The first that fits holds: longest first.
---- haproxy 3.2: exact.map ----
# <site>=<path> <route> <backend>: routes of exactly one path.
---- haproxy 3.2: prefixes.map ----
# <site><path>/ <route> <backend>: routes of a path and what is below it. The longest that fits holds.
burst.example.com:80/ burst.default confgen:withheld
old.example.com:80/ old.default confgen:withheld
plain.example.com:80/ plain.default confgen:withheld
shop.example.com:80/ shop.web.default shop.web-80
shop.example.com:80/admin/ shop.adm.default shop.adm-80
slow.example.com:80/ slow.default confgen:withheld
---- haproxy 3.2: strict.map ----
# <site> 1: sites on which the path decides who may come in; a path that can be read in two ways is refused there.
shop.example.com:80 1
---- haproxy 3.2: certificates.list ----
# <certificate> <host>: the names that a client may ask for over TLS, and what it gets.
