Headers that are set, removed and refused; a value is one word whatever it holds.
---- instances ----
web-1: {labels: {host: a.example.com, port: "80", header.request.X-Tenant: "shop", header.request.Cookie: "", header.response.Content-Security-Policy: "default-src 'self'; img-src *", header.response.X-Price: "$9 or 100%", header.response.Server: ""}}
api-1: {labels: {host: api.example.com, port: "80", scheme: grpc, header.request.X-Forwarded-For: "6.6.6.6", header.request.x-tenant: "a", header.request.X-Tenant: "b"}}
---- problems ----
CG131 container api-1, label confgen.header.request.X-Forwarded-For: header "X-Forwarded-For" is the proxy's own (the label is ignored)
  choose another name
CG003 container api-1, label confgen.header.request.x-tenant: says the same thing as the label confgen.header.request.X-Tenant, which holds (the label is ignored)
  remove one of them
nginx: CG004 container web-1, route default: nginx writes the header Server by itself (the label is ignored)
  leave it out, or use HAProxy
---- nginx 1.30: nginx.conf ----
# Made by confgen, generation 196703ecc7f47b20. The next change of a container replaces this file;
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

    # gRPC clients speak HTTP/2 without TLS; the port tells them from HTTP/1.1 by their first bytes.
    http2 on;

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

    # To gRPC servers the same.
    grpc_next_upstream         error timeout;
    grpc_connect_timeout       500ms;
    grpc_read_timeout          60s;
    grpc_send_timeout          60s;
    grpc_next_upstream_tries   3;
    grpc_next_upstream_timeout 60s;
    grpc_socket_keepalive      on;
    grpc_buffer_size           16k;
    grpc_ignore_headers        X-Accel-Redirect X-Accel-Expires X-Accel-Limit-Rate X-Accel-Charset;

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

    grpc_set_header Host                      $host$confgen_colon_port;
    grpc_set_header X-Real-IP                 $remote_addr;
    grpc_set_header X-Forwarded-For           $remote_addr;
    grpc_set_header X-Forwarded-Proto         $scheme;
    grpc_set_header X-Forwarded-Host          $host$confgen_colon_port;
    grpc_set_header X-Forwarded-Port          $confgen_port;
    grpc_set_header Forwarded                 "";
    grpc_set_header Front-End-Https           "";
    grpc_set_header Proxy                     "";
    grpc_set_header X-Forwarded-By            "";
    grpc_set_header X-Forwarded-Email         "";
    grpc_set_header X-Forwarded-Groups        "";
    grpc_set_header X-Forwarded-Method        "";
    grpc_set_header X-Forwarded-Path          "";
    grpc_set_header X-Forwarded-Prefix        "";
    grpc_set_header X-Forwarded-Protocol      "";
    grpc_set_header X-Forwarded-Scheme        "";
    grpc_set_header X-Forwarded-Server        "";
    grpc_set_header X-Forwarded-Ssl           "";
    grpc_set_header X-Forwarded-Uri           "";
    grpc_set_header X-Forwarded-User          "";
    grpc_set_header X-Original-For            "";
    grpc_set_header X-Original-Forwarded-For  "";
    grpc_set_header X-Original-Host           "";
    grpc_set_header X-Original-Method         "";
    grpc_set_header X-Original-Prefix         "";
    grpc_set_header X-Original-Proto          "";
    grpc_set_header X-Original-Remote-Addr    "";
    grpc_set_header X-Original-Uri            "";
    grpc_set_header X-Original-Url            "";
    grpc_set_header X-Rewrite-Uri             "";
    grpc_set_header X-Rewrite-Url             "";
    grpc_set_header X-Url-Scheme              "";

    # --- One line a request, on stdout.

    log_format confgen '$remote_addr [$time_iso8601] $host "$request" $status $body_bytes_sent ${request_time}s '
                       'route=$confgen_route server=$upstream_addr upstream_time=$upstream_response_time "$http_user_agent"';
    access_log /dev/stdout confgen buffer=4k flush=1s;  # 4k: whole lines, also with several workers on one pipe

    # --- Pools: servers that can stand in for each other.
    # Idle connections go after 1 s: apps close theirs after 2 s and more, and a request must not meet one that is closing.

    upstream api-1-80 {
        server 10.0.0.2:80;  # api-1
        keepalive 32;
        keepalive_timeout 1s;
    }

    upstream web-1-80 {
        server 10.0.0.1:80;  # web-1
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
        server_name a.example.com;

        location / {
            set $confgen_route web-1.default;
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
            proxy_set_header Cookie                   "";
            proxy_set_header X-Tenant                 "shop";
            proxy_hide_header Content-Security-Policy;
            add_header Content-Security-Policy "default-src 'self'; img-src *" always;
            proxy_hide_header X-Price;
            add_header X-Price "${confgen_dollar}9 or 100%" always;
            proxy_pass http://web-1-80;
        }
    }

    server {
        listen 80;
        listen [::]:80;
        server_name api.example.com;

        location / {
            set $confgen_route api-1.default;
            grpc_set_header Host                     $host$confgen_colon_port;
            grpc_set_header X-Real-IP                $remote_addr;
            grpc_set_header X-Forwarded-For          $remote_addr;
            grpc_set_header X-Forwarded-Proto        $scheme;
            grpc_set_header X-Forwarded-Host         $host$confgen_colon_port;
            grpc_set_header X-Forwarded-Port         $confgen_port;
            grpc_set_header Forwarded                "";
            grpc_set_header Front-End-Https          "";
            grpc_set_header Proxy                    "";
            grpc_set_header X-Forwarded-By           "";
            grpc_set_header X-Forwarded-Email        "";
            grpc_set_header X-Forwarded-Groups       "";
            grpc_set_header X-Forwarded-Method       "";
            grpc_set_header X-Forwarded-Path         "";
            grpc_set_header X-Forwarded-Prefix       "";
            grpc_set_header X-Forwarded-Protocol     "";
            grpc_set_header X-Forwarded-Scheme       "";
            grpc_set_header X-Forwarded-Server       "";
            grpc_set_header X-Forwarded-Ssl          "";
            grpc_set_header X-Forwarded-Uri          "";
            grpc_set_header X-Forwarded-User         "";
            grpc_set_header X-Original-For           "";
            grpc_set_header X-Original-Forwarded-For "";
            grpc_set_header X-Original-Host          "";
            grpc_set_header X-Original-Method        "";
            grpc_set_header X-Original-Prefix        "";
            grpc_set_header X-Original-Proto         "";
            grpc_set_header X-Original-Remote-Addr   "";
            grpc_set_header X-Original-Uri           "";
            grpc_set_header X-Original-Url           "";
            grpc_set_header X-Rewrite-Uri            "";
            grpc_set_header X-Rewrite-Url            "";
            grpc_set_header X-Url-Scheme             "";
            grpc_set_header X-Tenant                 "b";
            grpc_pass grpc://api-1-80;
        }
    }

    # --- For confgen: which generation the running workers serve.
    server {
        listen unix:/confgen/run/nginx.sock;
        access_log off;

        location = /.confgen/generation {
            return 200 "196703ecc7f47b20";
        }
        location / {
            return 404;
        }
    }
}
---- haproxy 3.2: haproxy.cfg ----
# Written by confgen for HAProxy 3.2, generation b3875e83f68e27bd.
# What is changed here is lost at the next change of a container: shadow a template instead.

global
    # Files named below (the maps) stand beside this one, so that a generation is one whole.
    default-path config
    # Read back from the running process: which generation it serves.
    set-var proc.confgen str(b3875e83f68e27bd)
    log stdout len 8192 format raw local0
    # After a reload the old process finishes what it has (downloads, websockets), for at most so long.
    hard-stop-after 1h
    # Some hosts allow a billion descriptors, and HAProxy would take memory for each of them.
    fd-hard-limit 1048576

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

    # Which route: each site has one. The maps say its name and its backend.
    http-request set-var(txn.match) var(txn.host),concat(:80),map_str(hosts.map),concat(/),map_str(prefixes.map)
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

# --- Answers of our own.

backend confgen:not-found from confgen:http
    http-request return status 404 content-type text/plain string "404 Not Found: nothing is served here\n"

# --- Pools: servers that can stand in for each other.

backend api-1-80 from confgen:http
    balance roundrobin
    http-request set-header X-Tenant b if { var(txn.route) -m str -- api-1.default } { fe_name port:http }
    server api-1 10.0.0.2:80 weight 1 proto h2

backend web-1-80 from confgen:http
    balance roundrobin
    http-request del-header Cookie if { var(txn.route) -m str -- web-1.default } { fe_name port:http }
    http-request set-header X-Tenant shop if { var(txn.route) -m str -- web-1.default } { fe_name port:http }
    http-after-response set-header Content-Security-Policy 'default-src '\''self'\''; img-src *' if { var(txn.route) -m str -- web-1.default } { fe_name port:http }
    http-after-response del-header Server if { var(txn.route) -m str -- web-1.default } { fe_name port:http }
    http-after-response set-header X-Price '$9 or 100%%' if { var(txn.route) -m str -- web-1.default } { fe_name port:http }
    server web-1 10.0.0.1:80 weight 1
---- haproxy 3.2: hosts.map ----
# <host>:<port> <site>: which site a host is.
a.example.com:80 a.example.com:80
api.example.com:80 api.example.com:80
---- haproxy 3.2: wildcards.map ----
# <suffix>:<port> <site>: which site a host is that has no line in hosts.map. The first that fits holds: longest first.
---- haproxy 3.2: exact.map ----
# <site>=<path> <route> <backend>: routes of exactly one path.
---- haproxy 3.2: prefixes.map ----
# <site><path>/ <route> <backend>: routes of a path and what is below it. The longest that fits holds.
a.example.com:80/ web-1.default web-1-80
api.example.com:80/ api-1.default api-1-80
---- haproxy 3.2: strict.map ----
# <site> 1: sites on which the path decides who may come in; a path that can be read in two ways is refused there.
---- haproxy 3.2: certificates.list ----
# <certificate> <host>: the names that a client may ask for over TLS, and what it gets.
