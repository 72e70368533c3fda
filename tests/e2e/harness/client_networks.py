"""What the three clients do with networks, ports and names, behind one set of verbs."""

import json

REPEATED = {"publish", "expose", "dns", "dns_search", "dns_option", "add_host", "link", "network_alias", "link_local_ip",
            "network", "subnet", "ip_range", "gateway", "aux_address", "opt", "alias"}


def listed(value):
    return list(value) if isinstance(value, (list, tuple)) else [] if value is None else [value]


def network_flags(options):
    """Takes the options of networks out of `options`; their flags as a list."""
    found = []
    for key in [key for key in options if key in REPEATED]:
        for value in listed(options.pop(key)):
            found += ["--" + key.replace("_", "-"), str(value)]
    return found


class CommandLineNetworks:
    def network_create(self, name, **options):
        return self("network", "create", *self.flags(options), name).out.strip()

    def network_remove(self, name):
        self("network", "rm", name)

    def network_connect(self, network, container, **options):
        self("network", "connect", *self.flags(options), network, container)

    def network_disconnect(self, network, container, force=False):
        self("network", "disconnect", *(["--force"] if force else []), network, container)

    def network_inspect(self, name):
        return json.loads(self("network", "inspect", name).out)[0]

    def network_names(self, **filters):
        found = [f"--filter={key}={value}" for key, values in filters.items() for value in listed(values)]
        return set(self("network", "ls", *found, "--format", "{{.Name}}").out.split())

    def network_prune(self, **filters):
        found = [f"--filter={key}={value}" for key, value in filters.items()]
        return {line for line in self("network", "prune", "-f", *found).out.splitlines() if line and not line.endswith(":")}

    def port(self, container, port):
        """The addresses on the host, as "127.0.0.1:8080"."""
        return self("port", container, port).out.split()


class SdkNetworks:
    def network_create(self, name, subnet=None, ip_range=None, gateway=None, aux_address=None, opt=None, driver="bridge",
                       **options):
        from docker.types import IPAMConfig, IPAMPool
        pools = []
        for text in listed(subnet):
            def of_family(values, mark=":" in text):
                return [value for value in listed(values) if (":" in value) == mark]
            pools.append(IPAMPool(
                subnet=text, iprange=next(iter(of_family(ip_range)), None), gateway=next(iter(of_family(gateway)), None),
                aux_addresses=dict(value.split("=", 1) for value in of_family(aux_address)) or None))
        if options.pop("ipv6", False):
            options["enable_ipv6"] = True
        if label := options.pop("label", None):
            options["labels"] = label
        return self._call(self.api.create_network, name, driver=driver, ipam=IPAMConfig(pool_configs=pools) if pools else None,
                          options=dict(value.split("=", 1) for value in listed(opt)) or None, **options)["Id"]

    def network_remove(self, name):
        self._call(self.api.remove_network, name)

    @staticmethod
    def _of_endpoint(options):
        """Takes what is said of one network out of `options`; named as python3-docker names it."""
        names = {"ip": "ipv4_address", "ip6": "ipv6_address", "alias": "aliases", "network_alias": "aliases",
                 "link_local_ip": "link_local_ips"}
        found = {names[key]: options.pop(key) for key in list(options) if key in names}
        return {key: listed(value) if key in ("aliases", "link_local_ips") else value for key, value in found.items()}

    def network_connect(self, network, container, **options):
        endpoint = self._of_endpoint(options)
        if "link" in options:
            endpoint["links"] = [tuple(link.split(":")) for link in listed(options.pop("link"))]
        assert not options, options
        self._call(self.api.connect_container_to_network, container, network, **endpoint)

    def network_disconnect(self, network, container, force=False):
        self._call(self.api.disconnect_container_from_network, container, network, force=force)

    def network_inspect(self, name):
        return self._call(self.api.inspect_network, name)

    def network_names(self, **filters):
        return {network["Name"] for network in self._call(self.api.networks, filters=filters)}

    def network_prune(self, **filters):
        return set(self._call(self.api.prune_networks, filters=filters)["NetworksDeleted"] or [])

    def port(self, container, port):
        bindings = self._call(self.api.port, container, int(port.split("/")[0])) if port.endswith("/tcp") else \
            self.inspect(container)["NetworkSettings"]["Ports"][port]
        return [f"[{one['HostIp']}]:{one['HostPort']}" if ":" in one["HostIp"] else f"{one['HostIp']}:{one['HostPort']}"
                for one in bindings or []]

    def _network_config(self, options):
        """Takes the options of networks out of `options`; what create_host_config and create_container call them."""
        from docker.utils.ports import build_port_bindings
        host, config = {}, {}
        if published := listed(options.pop("publish", None)):
            host["port_bindings"] = build_port_bindings(published)
            config["ports"] = [tuple(port.split("/")) if "/" in port else port for port in host["port_bindings"]]
        if exposed := listed(options.pop("expose", None)):
            config["ports"] = config.get("ports", []) + [tuple(port.split("/")) if "/" in port else port for port in exposed]
        for key, theirs in (("dns", "dns"), ("dns_search", "dns_search"), ("dns_option", "dns_opt"), ("add_host", "extra_hosts")):
            if key in options:
                host[theirs] = listed(options.pop(key))
        if options.pop("publish_all", False):
            host["publish_all_ports"] = True
        if "mac_address" in options:
            config["mac_address"] = options.pop("mac_address")
        if "domainname" in options:
            config["domainname"] = options.pop("domainname")
        networks = listed(options.pop("network", None))
        links = {link.split(":")[0]: link.split(":")[-1] for link in listed(options.pop("link", None))}
        endpoint = self._of_endpoint(options)
        if networks:
            host["network_mode"] = networks[0]
        if links and networks:
            endpoint["links"] = links
        elif links:
            host["links"] = links
        if endpoint or len(networks) > 1:
            config["networking_config"] = self.api.create_networking_config({
                name: self.api.create_endpoint_config(**(endpoint if name == networks[0] else {})) for name in networks})
        return host, config
