using MiniOneRec.Tensors;
using MiniOneRec.Training.Distributed;

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
        if (!_options.Checkpoints.Resume || !_parallel.OnFirst(() => _checkpoint!.Latest is not null)
            || _parallel.Load(_checkpoint, Parts()) is not { } state)
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
}
