using MiniOneRec.Tensors;
using MiniOneRec.Training;
using MiniOneRec.Training.Distributed;

namespace MiniOneRec.Alignment;

internal sealed partial class SftRun
{
    private SftState Start()
    {
        SftState? state = null;
        var here = RunEnvironment.Current();
        Log.Environment(_logger, here);
        if (_startWeights is not null)
        {
            var madeFrom = SftIdentity.Describe(_model, _weights, _samples, _trees, _validator, _startWeights);
            var identity = SftIdentity.Of(_options, madeFrom);
            _parallel.RequireEqual(ProcessFacts.Of(identity.Options, madeFrom));
            state = _options.Checkpoints.Folder is { } path ? Resume(path, identity, here) : null;
        }

        IWeightStore? store = _parallel.IsAlone || _options.Checkpoints.Folder is null ? _checkpoint
            : new SharedWeights(_checkpoint, _parallel, divided: _parallel.Sharding != Sharding.None);
        _best = new BestWeights(_options.KeepBest, (value, than) => _validator!.IsBetter(value, than), store);
        _best.Restore(state?.Best ?? []);
        if (_options.RunLog is { } log && _parallel.IsFirst)
        {
            _log = new RunLog(log, state?.Step ?? 0, [.. _step.MetricNames, .. _validator?.MetricNames ?? []]);
        }

        return state ?? new SftState();
    }

    // The first process reads; the others receive.
    private SftState? Resume(string path, RunIdentity identity, RunEnvironment here)
    {
        _checkpoint = _parallel.IsFirst ? new RunCheckpoint<SftState>(path, identity, write: _write) : null;
        _parallel.OnFirst(() => _checkpoint!.Begin(_options.Checkpoints.Resume));
        if (!_options.Checkpoints.Resume || !_parallel.OnFirst(() => _checkpoint!.Latest is not null))
        {
            return null;
        }

        var state = _parallel.Load(_checkpoint, _step.State())!;
        _step.Restore(state.Step);
        Log.Resumed(_logger, state.Step, path);
        if (_checkpoint?.OtherEnvironment is { } there)
        {
            Log.OtherEnvironment(_logger, there, here.ToString());
        }

        return state;
    }
}
