# Order of art_backup(.., 'update'): a copy = db (mark, root) committed atomically, slots of two halves (leaf, trailer) torn at power loss.
import random,sys
BAD=sys.argv[1] if len(sys.argv)>1 else ''
class Kill(Exception): pass
def run(seed):
    R=random.Random(seed); N=3
    cnt=[0]
    src={}; gen=0; hist=[]; freed=set()
    def newsrc():
        nonlocal src,gen
        if hist and R.random()<.15: src,gen=R.choice(hist); return   # the source was restored from a backup
        gen+=1; src=dict(src)
        for s in R.sample(range(N),R.randint(1,N)):
            if R.random()<.2: src.pop(s,None)
            else: cnt[0]+=1; src[s]=(gen,R.randint(1,2) if BAD=='samehash' else cnt[0])
        hist.append((src,gen))
    newsrc()
    disk={s:[b,b] for s,b in src.items()}; vol={}          # durable halves, unsynced halves
    db=dict(mark=False,root=dict(src)); flag=True  # in the owner page: nobody has written here since art_backup() had ended
    def get(s,h): return vol.get((s,h),disk.get(s,[None,None])[h])
    def sync():
        for (s,h),b in vol.items(): disk.setdefault(s,[None,None])[h]=b
        vol.clear()
    def power():
        items=list(vol.items()); vol.clear()
        for (s,h),b in items:
            if R.random()<.5: disk.setdefault(s,[None,None])[h]=b
    def check(t):
        if db['mark']: return
        for s,b in db['root'].items():
            assert get(s,0)==b and get(s,1)==b,(t,seed,s,b,get(s,0),get(s,1))
    for step in range(30):
        newsrc() if R.random()<.8 else None
        # the copy's own user begins a transaction and is killed: writes to slots that its root does not name, the very blob that the source writes, too
        if not db['mark'] and R.random()<.3:
            if BAD!='noclear': flag=False
            for s in range(N):
                if s not in db['root'] and s in src and R.random()<.7:
                    vol[(s,R.randint(0,1))]=src[s]
        fuel=[R.randint(0,14) if R.random()<.6 else 99]
        def point():
            fuel[0]-=1
            if fuel[0]<0: raise Kill
        try:
            doubted=not flag
            point()
            if BAD!='nomark': db['mark']=True
            point()
            flag=False
            point()
            want=[]
            for s,b in src.items():
                whole=doubted and BAD!='trailer'
                same=get(s,1)==b and (not whole or get(s,0)==b)
                if not same: want.append(s)
            halves=[(s,h) for s in want for h in (0,1)]; R.shuffle(halves)
            if doubted and BAD!='strays':
                for s in range(N):
                    if s not in src: vol[(s,1)]=None; point()
            for s,h in halves: vol[(s,h)]=src[s]; point()
            if BAD!='nosync': sync()
            point(); flag=True; point()
            db=dict(mark=False,root=dict(src))      # one transaction
            check('done')
            point()
        except Kill:
            if R.random()<.5: power()
        if R.random()<.3: power()
        check('after')
n=int(sys.argv[2]) if len(sys.argv)>2 else 20000
bad=0
for seed in range(n):
    try: run(seed)
    except AssertionError as e:
        bad+=1
        if bad<2: print(e)
print(BAD or 'as designed',n,'histories',bad,'broken')
