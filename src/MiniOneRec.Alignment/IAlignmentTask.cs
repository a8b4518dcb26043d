namespace MiniOneRec.Alignment;

/// <summary>Makes the training samples of one skill.</summary>
/// <remarks>Implementations are immutable. No prompt may contain its answer.</remarks>
public interface IAlignmentTask
{
    /// <summary>Gets the task's name, under which its loss is reported.</summary>
    string Name { get; }

    /// <summary>Gets how often an epoch shows each sample, on average: 0.5 for every second one, 2 for each twice.</summary>
    double Weight => 1;

    /// <summary>Gets whether every epoch has samples of its own; by default they are made once.</summary>
    bool VariesByEpoch => false;

    /// <summary>Makes the samples of one epoch.</summary>
    /// <param name="context">Data, template and randomness.</param>
    IEnumerable<TokenSample> CreateSamples(TaskContext context);
}
