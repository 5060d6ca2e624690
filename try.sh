cd /tmp/x/events && PYTHONPATH=$PWD /work/main/.venv/bin/python -c "
import sys; sys.path.insert(0,'/tmp/x/events')
exec(open('/tmp/x/logs/lab.py').read())"
