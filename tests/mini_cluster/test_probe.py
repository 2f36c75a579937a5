import sys,time,os,json
from tests.mini_cluster.file_tables import *
from tests.mini_cluster.outcomes import Outcomes
import pytest
P=[b'{"metric":"t","value":1,"ts":1719800000123.456}',b'{"metric":"t","value":2,"ts":1719800000123.0}',b'{"metric":"t","value":3,"ts":1.719800000124e12}',
b'{"metric":"u","value":1,"unit":"Cel=Cel;1.0;0.0|K"}',b'{"metric":"u1","value":1,"unit":{"a":1}}',b'{"metric":"u2","value":1,"seq":{}}',b'{"metric":"u3","value":1,"seq":17.5}',
b'[{"values":{"a":1}}]',b'{"metric":"big","value":1'+b'0'*3000+b'}',b'{"metric":"long","value":1.'+b'1'*3000+b'}',b'['*3000+b']'*3000,b'{"a":'*3000+b'1'+b'}'*3000,
b'{"metric":"dup","metric":"dup2","value":1}', b'{"metric":"\\ud800","value":1}', b'{"metric":"v1","value":"1_000"}',b'{"metric":"v2","value":" 21.4 "}',b'{"metric":"v3","value":"+5"}',b'{"metric":"v4","value":"5."}',b'{"metric":"v5","value":".5"}',b'{"metric":"v6","value":""}',b'{"metric":"v7","value":-0.0}',b'{"metric":"v8","value":4.9e-324}',b'{"metric":"v9","value":12345678901234567890}',
b'\xef\xbb\xbf{"metric":"bom","value":1}', '{"metric":"z","value":1,"unit":"\ufffd"}'.encode(), b'\x00', b'{"metric":"a\\\\b","value":1}', b'{"values":{"a\\\\b":1,"x\\"y":2,"n\\n":3,"e\\u00e9":4,"a/b":5,"\\/s":6}}', b'{"values":{"a":1,"a":2}}', b'{"values":{"":1}}',b'{"values":{"k":"x\\":1"}}',b'{"values":{"a]b":1,"a[b":2,"a\'b":3,"$":4,"*":5,"a,b":6,"..":7,"@":8,"a\'][\'b":9,"?(@.x)":10}}', b'{"metric":5,"value":1}', b'{"metric":true,"value":1}', b'{"metric":["a"],"value":1}', b'{"metric":"x","value":[1]}', b'{"metric":"x1","value":"[1]"}', b'[{"metric":"n","value":NaN},{"metric":"n2","value":1}]', b'{"metric":"NaN","value":1}', b'{"metric":"m","value":1,"note":": NaN,"}', b'{"metric":"m2","value":1,"note":": NaN,"', b'[[{"metric":"m","value":1}]]', b'[[]]', b'[null]', b'["{\\"metric\\":\\"s\\",\\"value\\":1}"]', b'{"metric":"   ","value":1}', b'{"metric":"t","value":5,"ts":"1719800000125"}', b'{"metric":"t","value":5,"ts":" 1719800000126 "}', b'{"metric":"t","value":5,"ts":null}',b'{"metric":"t","value":5,"ts":"1719800000127x"}',b'{"metric":"t","value":5,"ts":-1}',b' \n ', b'{"metric":"t","value":7,"ts":1719800000128}{"metric":"t","value":7,"ts":1719800000128}', b'{"metric":"t","value":7}\x00', b'{"metric":"a\x00b","value":7}', b'{"values":{"a":null,"b":true,"c":"x","d":"3"},"ts":1719800000129}',b'{"values":{"a":1},"ts":{}}',b'{"values":[1]}',b'{"values":"x"}',b'{"values":{"a":1},"ts":"bad \\"q","seq":5}',b'{"values":{"a":1,"b":"x"},"ts":"bad \\"q"}', b"{'metric':'x','value':1}", b'{metric:"x",value:1}', b'{"metric":"x","value":01}', b'{"metric":"x","value":1,}', b'// c\n{"metric":"x","value":1}', b'{"metric":"x9","value":1e400}',b'{"metric":"x9","value":"1e400"}',b'{"metric":"pressure","value":1e308,"unit":"GPa"}', b'{"metric":"temperature","value":1,"unit":"cel"}', ('{"values":{'+','.join(f'"k{i}":{i}' for i in range(2500))+'}}').encode(), json.dumps([{"metric":f"m{i}","value":i,"ts":1719800000123+i} for i in range(4500)]).encode()]
M=[Message(p, device=f'd{i}') for i,p in enumerate(P)]

import subprocess,threading
def dump(tag):
    import pyflink.java_gateway as j
    pid=j._gateway.jvm.java.lang.ProcessHandle.current().pid()
    open(f'/tmp/tst/jstack-{tag}','w').write(subprocess.run(['jstack',str(pid)],capture_output=True,text=True).stdout)
def run(file_tables, msgs, tag):
    t=time.time()
    th=threading.Timer(25,dump,(tag,)); th.start()
    try: o=Outcomes(file_tables('clean_telemetry'),msgs)
    except TimeoutError as e: print(tag,'TIMEOUT'); return
    finally: th.cancel()
    print(tag,'took',time.time()-t, [len(o.of(m)) for m in msgs][-3:]); return o
def test_probe(file_tables):
    o=run(file_tables,M[:-2],'small')
    for m in M[:-2] if o else ():
        items=o.of(m)
        print(m.device, m.payload[:80], len(items), [(x.position.item,x.position.items, (str(x.reason),x.detail,x.original[:80]) if hasattr(x,'reason') else (x.metric,x.value,x.unit,x.event_time,x.sequence)) for x in items[:12]])
    run(file_tables,M[-1:],'array'); run(file_tables,M[-2:-1],'map')
