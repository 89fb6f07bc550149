"""A small description of a machine in every format, to be mutated by the fuzzing tests."""

import io
import tarfile

LSCPU_JSON = """{"cpus": [
 {"cpu": 0, "node": 0, "socket": 0, "core": 0, "l1d:l1i:l2:l3": "0:0:0:0", "online": true},
 {"cpu": 1, "node": 0, "socket": 0, "core": -, "l1d:l1i:l2:l3": "-", "online": false},
 {"cpu": 2, "node": 1, "socket": 1, "core": 1, "l1d:l1i:l2:l3": "1:1:1:1", "online": "yes"}]}
"""
LSCPU_TABLE = """CPU NODE SOCKET CORE L1d:L1i:L2:L3 ONLINE
  0    0      0    0 0:0:0:0          yes
  1    -      -    - -                 no
"""
LSCPU_CSV = """# The following is the parsable format
# CPU,Core,Socket,Node,,L1d,L1i,L2,L3
0,0,0,0,,0,0,0,0
1,1,1,0,,1,1,1,1
"""
LSCPU_SUMMARY = """Architecture:        x86_64
CPU(s):              8
On-line CPU(s) list: 0-6
Off-line CPU(s) list: 7
Thread(s) per core:  2
Core(s) per socket:  2
Socket(s):           2
NUMA node(s):        2
NUMA node0 CPU(s):   0-1,4-5
NUMA node1 CPU(s):   2-3,6
Model name:          Some CPU
"""
LSCPU_SUMMARY_JSON = """{"lscpu": [{"field": "CPU(s):", "data": "4", "children": [
 {"field": "On-line CPU(s) list:", "data": "0-3"}]},
 {"field": "Thread(s) per core:", "data": "2"}, {"field": "Core(s) per socket:", "data": "2"},
 {"field": "Socket(s):", "data": "1"}, {"field": "NUMA node0 CPU(s):", "data": "0-3"}]}
"""
HWLOC_1 = """<?xml version="1.0" encoding="UTF-8"?>
<!DOCTYPE topology SYSTEM "hwloc.dtd">
<topology>
 <object type="Machine" os_index="0" cpuset="0x0000000f" complete_cpuset="0x0000000f"
   online_cpuset="0x0000000f" allowed_cpuset="0x0000000f">
  <object type="NUMANode" os_index="0" cpuset="0x0000000f" nodeset="0x00000001">
   <object type="Socket" os_index="0" cpuset="0x0000000f">
    <object type="Cache" cpuset="0x0000000f" depth="3" cache_type="0">
     <object type="Core" os_index="0" cpuset="0x00000005">
      <object type="PU" os_index="0" cpuset="0x00000001"/>
      <object type="PU" os_index="2" cpuset="0x00000004"/></object>
     <object type="Core" os_index="1" cpuset="0x0000000a">
      <object type="PU" os_index="1" cpuset="0x00000002"/>
      <object type="PU" os_index="3" cpuset="0x00000008"/></object>
    </object></object></object></object>
</topology>
"""
HWLOC_2 = """<?xml version="1.0" encoding="UTF-8"?>
<!DOCTYPE topology SYSTEM "hwloc2.dtd">
<topology version="2.0">
 <object type="Machine" os_index="0" cpuset="0x00000003" complete_cpuset="0xf...f"
   allowed_cpuset="0x00000003" nodeset="0x00000003" gp_index="1">
  <object type="NUMANode" os_index="1" cpuset="0x0" nodeset="0x00000002" gp_index="9"/>
  <object type="Package" os_index="0" cpuset="0x00000003" gp_index="2">
   <object type="NUMANode" os_index="0" cpuset="0x00000003" nodeset="0x00000001" gp_index="8"/>
   <object type="L3Cache" cpuset="0x00000003" depth="3" cache_type="0" gp_index="3">
    <object type="Core" os_index="0" cpuset="0x00000001" gp_index="4">
     <object type="PU" os_index="0" cpuset="0x00000001" gp_index="5"/></object>
    <object type="Core" os_index="1" cpuset="0x00000002" gp_index="6">
     <object type="PU" os_index="1" cpuset="0x00000002" gp_index="7"/></object>
   </object></object></object>
</topology>
"""
VIRSH = """<capabilities><host><cpu><arch>x86_64</arch></cpu><topology><cells num='1'>
 <cell id='0'><memory unit='KiB'>1048576</memory><cpus num='2'>
  <cpu id='0' socket_id='0' die_id='0' core_id='0' siblings='0'/>
  <cpu id='1' socket_id='0' die_id='0' core_id='1' siblings='1'/></cpus></cell>
 </cells></topology><cache><bank id='0' level='3' type='both' size='8' unit='MiB' cpus='0-1'/>
 </cache></host></capabilities>
"""
DOMAIN = """<domain type='kvm'><vcpu placement='static' current='4'>8</vcpu><cpu>
 <topology sockets='2' dies='1' cores='2' threads='2'/>
 <numa><cell id='0' cpus='0-3' memory='1' unit='KiB'/><cell id='1' cpus='4-7' memory='1'/></numa>
 </cpu></domain>
"""
LXD = """{"cpu": {"architecture": "x86_64", "sockets": [{"socket": 0, "cores": [
 {"core": 0, "die": 0, "threads": [
  {"id": 0, "numa_node": 0, "online": true, "isolated": false, "thread": 0},
  {"id": 1, "numa_node": 0, "online": false, "isolated": false, "thread": 1}]}]}]},
 "memory": {"nodes": [{"numa_node": 0}, {"numa_node": 1}]}}
"""
CADVISOR = """{"num_cores": 2, "num_sockets": 1, "topology": [{"node_id": 0, "memory": 1, "cores": [
 {"core_id": 0, "thread_ids": [0, 1], "caches": null, "uncore_caches": null, "socket_id": 0}],
 "caches": [{"id": 0, "size": 1, "type": "Unified", "level": 3}]}]}
"""
DOCUMENT = """{"kind": "rssbound.topology", "format_version": "1.0", "name": "host",
 "page_size": 4096, "possible": "0-7", "online": "0-5", "nodes": {"0": "0-3", "1": "4-7", "2": ""},
 "tree": [{"type": "package", "id": 0, "children": [{"type": "core", "cpus": "0-1"},
  {"type": "core", "cpus": "2-3"}]}, {"type": "package", "id": 1, "cpus": "4-7"}]}
"""
ROWS = """{"kind": "rssbound.topology", "rows": [{"cpu": 0, "core": 0, "package": 0},
 {"cpu": 8, "core": 0, "package": 1}]}
"""
SYNTHETIC = "package:2 [numa(memory=1GB)] l3:1(size=8MB) core:2 pu:2(indexes=2*4:1*2)"
QEMU = "-smp 8,maxcpus=16,sockets=2,cores=4,threads=2 -numa node,nodeid=0,cpus=0-7"
NUMACTL = """available: 3 nodes (0-2)
node 0 cpus: 0 1 4 5
node 0 size: 31728 MB
node 1 cpus: 2 3
node 2 cpus:
node distances:
node   0   1   2
  0:  10  21  28
"""
NODEINFO = """CPU model:           x86_64
CPU(s):              14
CPU frequency:       2400 MHz
CPU socket(s):       1
Core(s) per socket:  4
Thread(s) per core:  2
NUMA cell(s):        2
Memory size:         16349320 KiB
"""
SLURM = "NodeName=n1 CPUs=16 Boards=1 SocketsPerBoard=2 CoresPerSocket=4 ThreadsPerCore=2"


def archive():
    """A tar archive of a tree of two CPUs."""
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode="w", format=tarfile.PAX_FORMAT) as tar:
        for cpu in (0, 1):
            topology = f"cpu/cpu{cpu}/topology"
            cache = f"cpu/cpu{cpu}/cache/index3"
            files = {
                "cpu/online": "0-1\n",
                "cpu/possible": "0-3\n",
                f"cpu/cpu{cpu}/online": "1\n",
                f"{topology}/thread_siblings_list": f"{cpu}\n",
                f"{topology}/core_siblings": "00000000,00000003\n",
                f"{topology}/physical_package_id": "0\n",
                f"{cache}/level": "3\n",
                f"{cache}/type": "Unified\n",
                f"{cache}/shared_cpu_list": "0-1\n",
                "node/node0/cpulist": "0-1\n",
            }
            for name, text in files.items():
                member = tarfile.TarInfo(f"host/fsroot/sys/devices/system/{name}")
                member.size = len(text)
                tar.addfile(member, io.BytesIO(text.encode()))
    return stream.getvalue()


SEEDS = {
    name.lower(): value.encode()
    for name, value in sorted(globals().items())
    if name.isupper() and isinstance(value, str)
} | {"archive": archive()}
"""Name of a format -> a file of it."""
