using MiniOneRec.Tensors;
using static TorchSharp.torch;

namespace MiniOneRec.Reinforcement;

internal sealed partial class PolicyRun
{
    private PolicyState? Resume()
    {
        if (_options.Checkpoints.Folder is null)
        {
            return null;
        }

        _parallel.OnFirst(() => _checkpoint!.Begin(_options.Checkpoints.Resume));
        if (!_options.Checkpoints.Resume || !_parallel.OnFirst(() => _checkpoint!.Latest is not null) || Load() is not { } state)
        {
            return null;
        }

        _selection.Restore(state);
        _history.AddRange(state.History);
        _step.KlWeight = state.KlWeight;
        _context.Prompts.Position = state.Position;
        _context.Update.Restore(state.Updates);
        _context.Reference.Restored(state.ReferenceEqualsPolicy);
        _before = state.Elapsed;
        Log.Resumed(_logger, _task.Stage, state.Step);
        if (_checkpoint?.OtherEnvironment is { } there)
        {
            Log.OtherEnvironment(_logger, _task.Stage, there, RunEnvironment.Current().ToString());
        }

        return state;
    }

    // The first process reads; the others receive.
    private PolicyState? Load()
    {
        using var scope = NewDisposeScope();
        var whole = Tensors(_context.Update.Whole());
        var state = _parallel.OnFirst(() => _checkpoint!.Load(whole));
        _parallel.Broadcast(whole.Select(pair => pair.Value));
        foreach (var (name, value) in _parallel.IsAlone ? []
            : whole.Where(pair => pair.Name.StartsWith(OptimizerPrefix, StringComparison.Ordinal)))
        {
            _context.Update.Receive(name[OptimizerPrefix.Length..], value);
        }

        return state;
    }
}
