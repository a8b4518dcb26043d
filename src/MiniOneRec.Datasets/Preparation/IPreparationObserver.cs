namespace MiniOneRec.Datasets;

/// <summary>Watches a preparation: a console, a log, a page.</summary>
/// <remarks>All methods are called on the thread that prepares, one call at a time, and do nothing unless implemented.</remarks>
public interface IPreparationObserver
{
    /// <summary>Is told what was guessed or left out: the layout, columns, units, counts of incomplete rows.</summary>
    /// <param name="text">A sentence.</param>
    void OnMessage(string text)
    {
    }

    /// <summary>Is told that a step starts.</summary>
    /// <param name="step">The step's name, for example <c>k-core</c>.</param>
    void OnStarted(string step)
    {
    }

    /// <summary>Is told that a step is done.</summary>
    /// <param name="step">The step with its counts.</param>
    void OnFinished(PreparationStep step)
    {
    }
}
