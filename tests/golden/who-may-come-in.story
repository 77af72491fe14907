Addresses that may come in and ones that may not: on a route, on a redirect, on a port, and in the short form for all routes.
---- instances ----
shop-web-1: {of: shop/web, labels: {host: shop.example.com, port: "80", deny: "203.0.113.0/24, 2001:db8:bad::/48"}}
shop-adm-1: {of: shop/adm, labels: {host: shop.example.com, path: /admin, port: "80", allow: "10.0.0.0/8, 192.0.2.7", deny: "10.66.0.0/16"}}
old: {labels: {host: old.example.com, redirect: "https://shop.example.com/", allow: "10.0.0.0/8"}}
db: {labels: {allow: "10.0.0.0/8, fd00::/8", tcp.5432: "5432", routes.ui.host: db.example.com, routes.ui.port: "8080"}}
bits: {labels: {host: bits.example.com, port: "80", allow: 10.0.0.1/8}}
---- problems ----
CG151 container bits, label confgen.allow: "10.0.0.1/8" has host bits (the route answers 503 until this is mended)
  did you mean 10.0.0.0/8 or 10.0.0.1/32?
nginx: CG004 container old, route default: nginx cannot choose to whom it answers with a redirect (the route answers 503 until this is mended)
  remove one of them, or use HAProxy
---- nginx 1.30: nginx.conf ----
# Made by confgen, generation c8cf671313f9d004. The next change of a container replaces this file;
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
    map $request_uri $confgen_ambiguous {
        default "";
        "~*^[^?]*(%2[35f]|%3[bf]|%5c|%00|%c[01]|[;\\\\#]|/([.]|%2e)([.]|%2e)(/|[?]|$))" 1;
    }

    # --- Pools: servers that can stand in for each other.
    # Idle connections go after 1 s: apps close theirs after 2 s and more, and a request must not meet one that is closing.

    upstream db-8080 {
        server 10.0.0.4:8080;  # db
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
        server_name bits.example.com;

        location / {
            set $confgen_route bits.default;
            add_header Retry-After 5 always;
            return 503 "503: withheld\n";
        }
    }

    server {
        listen 80;
        listen [::]:80;
        server_name db.example.com;

        location / {
            set $confgen_route db.ui;
            allow 10.0.0.0/8;
            allow fd00::/8;
            deny all;
            proxy_pass http://db-8080;
        }
    }

    server {
        listen 80;
        listen [::]:80;
        server_name old.example.com;

        location / {
            set $confgen_route old.default;
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
            deny 10.66.0.0/16;
            allow 10.0.0.0/8;
            allow 192.0.2.7/32;
            deny all;
            proxy_pass http://shop.adm-80;
        }

        location ^~ /admin/ {
            set $confgen_route shop.adm.default;
            deny 10.66.0.0/16;
            allow 10.0.0.0/8;
            allow 192.0.2.7/32;
            deny all;
            proxy_pass http://shop.adm-80;
        }

        location / {
            set $confgen_route shop.web.default;
            deny 203.0.113.0/24;
            deny 2001:db8:bad::/48;
            proxy_pass http://shop.web-80;
        }
    }

    # --- For confgen: which generation the running workers serve.
    server {
        listen unix:/confgen/run/nginx.sock;
        access_log off;

        location = /.confgen/generation {
            return 200 "c8cf671313f9d004";
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

    upstream db-5432-tcp {
        server 10.0.0.4:5432;  # db
    }

    server {
        listen 5432;
        listen [::]:5432;
        set $confgen_route db.tcp-5432;
        allow 10.0.0.0/8;
        allow fd00::/8;
        deny all;
        proxy_connect_timeout 500ms;
        proxy_timeout 60s;
        proxy_next_upstream_tries 3;
        proxy_pass db-5432-tcp;
    }
}
---- haproxy 3.2: haproxy.cfg ----
# Written by confgen for HAProxy 3.2, generation 50045ee6b900ad3f.
# What is changed here is lost at the next change of a container: shadow a template instead.

global
    # Files named below (the maps) stand beside this one, so that a generation is one whole.
    default-path config
    # Read back from the running process: which generation it serves.
    set-var proc.confgen str(50045ee6b900ad3f)
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
    acl allow4:5432:db.tcp-5432 src -- 10.0.0.0/8
    acl allow6:5432:db.tcp-5432 src -- fd00::/8
    tcp-request connection reject if !{ src -m sub : } !allow4:5432:db.tcp-5432
    tcp-request connection reject if { src -m sub : } !allow6:5432:db.tcp-5432
    default_backend db-5432-tcp

# --- Answers of our own.

backend confgen:not-found from confgen:http
    http-request return status 404 content-type text/plain string "404 Not Found: nothing is served here\n"

backend confgen:withheld from confgen:http
    http-request return status 503 content-type text/plain string "503 Service Unavailable\n" hdr Retry-After 60

backend redirect:80:old.default from confgen:http
    acl allow4:80:old.default src -- 10.0.0.0/8
    http-request deny deny_status 403 if { var(txn.route) -m str -- old.default } { fe_name port:http } !{ src -m sub : } !allow4:80:old.default
    http-request deny deny_status 403 if { var(txn.route) -m str -- old.default } { fe_name port:http } { src -m sub : }
    http-request redirect location https://shop.example.com/ code 308

# --- Pools: servers that can stand in for each other.

backend db-5432-tcp from confgen:tcp
    balance roundrobin
    server db 10.0.0.4:5432 weight 1

backend db-8080 from confgen:http
    balance roundrobin
    acl allow4:80:db.ui src -- 10.0.0.0/8
    acl allow6:80:db.ui src -- fd00::/8
    http-request deny deny_status 403 if { var(txn.route) -m str -- db.ui } { fe_name port:http } !{ src -m sub : } !allow4:80:db.ui
    http-request deny deny_status 403 if { var(txn.route) -m str -- db.ui } { fe_name port:http } { src -m sub : } !allow6:80:db.ui
    server db 10.0.0.4:8080 weight 1

backend shop.adm-80 from confgen:http
    balance roundrobin
    acl allow4:80:shop.adm.default src -- 10.0.0.0/8 192.0.2.7/32
    acl deny4:80:shop.adm.default src -- 10.66.0.0/16
    http-request deny deny_status 403 if { var(txn.route) -m str -- shop.adm.default } { fe_name port:http } !{ src -m sub : } deny4:80:shop.adm.default
    http-request deny deny_status 403 if { var(txn.route) -m str -- shop.adm.default } { fe_name port:http } !{ src -m sub : } !allow4:80:shop.adm.default
    http-request deny deny_status 403 if { var(txn.route) -m str -- shop.adm.default } { fe_name port:http } { src -m sub : }
    server shop-adm-1 10.0.0.2:80 weight 1

backend shop.web-80 from confgen:http
    balance roundrobin
    acl deny4:80:shop.web.default src -- 203.0.113.0/24
    acl deny6:80:shop.web.default src -- 2001:db8:bad::/48
    http-request deny deny_status 403 if { var(txn.route) -m str -- shop.web.default } { fe_name port:http } !{ src -m sub : } deny4:80:shop.web.default
    http-request deny deny_status 403 if { var(txn.route) -m str -- shop.web.default } { fe_name port:http } { src -m sub : } deny6:80:shop.web.default
    server shop-web-1 10.0.0.1:80 weight 1
---- haproxy 3.2: hosts.map ----
# <host>:<port> <site>: which site a host is.
bits.example.com:80 bits.example.com:80
db.example.com:80 db.example.com:80
old.example.com:80 old.example.com:80
shop.example.com:80 shop.example.com:80
---- haproxy 3.2: wildcards.map ----
# <suffix>:<port> <site>: which site a host is that has no line in hosts.map. The first that fits holds: longest first.
---- haproxy 3.2: exact.map ----
# <site>=<path> <route> <backend>: routes of exactly one path.
---- haproxy 3.2: prefixes.map ----
# <site><path>/ <route> <backend>: routes of a path and what is below it. The longest that fits holds.
bits.example.com:80/ bits.default confgen:withheld
db.example.com:80/ db.ui db-8080
old.example.com:80/ old.default redirect:80:old.default
shop.example.com:80/ shop.web.default shop.web-80
shop.example.com:80/admin/ shop.adm.default shop.adm-80
---- haproxy 3.2: strict.map ----
# <site> 1: sites on which the path decides who may come in; a path that can be read in two ways is refused there.
shop.example.com:80 1
---- haproxy 3.2: certificates.list ----
# <certificate> <host>: the names that a client may ask for over TLS, and what it gets.
